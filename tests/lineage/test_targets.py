from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import canonical_json, write_json
from medad.lineage.manifest import seal
from medad.lineage.targets import HERE, Cell, parse

TABLE, OTHER = "results/tables/table1.csv", "results/tables/table2.csv"
SCORES = "results/scores/phantom/grouped/padim/k2/r0.parquet"
MANIFEST = "results/tables/table1.manifest.json"
CELL = {"value": 0.5, "decimals": 4, "n": 1, "aggregation": "", "metrics": [], "intervals": ""}
CELLS = {"cells": {"phantom/grouped/CONSULT/K4": CELL, "phantom/paper/A: b/K4": CELL}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two projects with a table, and a publication of it; the first is where we are."""
    for name in ("here", "there"):
        folder = tmp_path / name
        for table in (TABLE, OTHER):
            stem = folder / table.removesuffix(".csv")
            write_json(stem.with_suffix(".manifest.json"), {})
            write_json(stem.with_suffix(".cells.json"), CELLS)
        write_json(folder / SCORES.replace(".parquet", ".manifest.json"), {})
    public = tmp_path / "here/docs/table1"
    (public / "evidence").mkdir(parents=True)
    (public / "table1.csv").touch()
    manifest = seal({"inputs": {}, "outputs": {"csv": {"path": TABLE}}})
    with zipfile.ZipFile(public / "evidence/tables.zip", "w") as archive:
        archive.writestr(MANIFEST, canonical_json(manifest))
        archive.writestr("results/tables/table1.cells.json", canonical_json(CELLS))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize(
    ("a", "b", "labels"),
    [
        (TABLE, OTHER, (TABLE, OTHER)),
        (f"./{TABLE}", "../there", (TABLE, f"../there:{TABLE}")),
        ("../there", TABLE, (f"../there:{TABLE}", TABLE)),
        (f"../there:{OTHER}", TABLE, (f"../there:{OTHER}", TABLE)),
        ("docs/table1", TABLE, (f"docs/table1:{TABLE}", TABLE)),
        ("docs/table1/table1.csv", "docs/table1", (f"docs/table1:{TABLE}",) * 2),
        (MANIFEST, "../there", (MANIFEST, f"../there:{MANIFEST}")),
    ],
)
def test_every_form_of_a_place(root: Path, a: str, b: str, labels: tuple[str, str]) -> None:
    assert tuple(target.label for target in parse(root, (a, b), None)) == labels


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (f"{TABLE}:consult/k4", "docs/table1"),
        (f"{TABLE}:CONSULT/K4", f"docs/table1:{TABLE}:phantom/grouped/CONSULT/K4"),
        (TABLE, "docs/table1:CONSULT/K4"),
    ],
)
def test_a_cell_goes_for_both(root: Path, a: str, b: str) -> None:
    for target in parse(root, (a, b), None):
        assert target.cell == ("phantom/grouped/CONSULT/K4", CELL)


def test_options_go_for_both_and_a_colon_may_be_in_a_row(root: Path) -> None:
    targets = parse(root, (TABLE, "../there"), Cell("CONSULT", "K4", split="grouped"))
    assert {target.cell[0] for target in targets if target.cell} == {"phantom/grouped/CONSULT/K4"}
    assert {target.place.name for target in targets} == {HERE, "../there"}
    (one, _) = parse(root, (f"{TABLE}:A: b/K4", OTHER), None)
    assert one.cell == ("phantom/paper/A: b/K4", CELL)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("", TABLE, "not a result; write PATH, REVISION:PATH"),
        ("moon", TABLE, "moon: neither a file, a folder nor a revision"),
        ("docs", TABLE, "docs: not an artifact of medad"),
        ("results/tables/table9.csv", TABLE, "table9.csv: no manifest there"),
        (TABLE, SCORES, "made by different steps (table, score)"),
        (TABLE, MANIFEST, "give the result or its manifest for both"),
        (f"{SCORES}:CONSULT/K4", SCORES, "not a table, so it has no cells"),
        (f"{TABLE}:CONSULT", TABLE, "write a cell as ROW/COLUMN"),
        (f"{TABLE}:MOON/K4", TABLE, "MOON, K4: is not a cell; cells: "),
        ("../there", "../there", "which result? write ../there:results/..."),
        ("docs/table1/shots.png", TABLE, "neither a file, a folder nor a revision"),
        ("docs/table1:results/../params.yaml", TABLE, "not an artifact of medad"),
        ("/", TABLE, "lies outside the project"),
    ],
)
def test_what_is_no_result_is_one_line(root: Path, a: str, b: str, message: str) -> None:
    with pytest.raises(MedadError) as failed:
        parse(root, (a, b), None)
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_published_figure_of_several_data_sets_goes_by_its_path(root: Path) -> None:
    public = root / "docs/figures"
    (public / "evidence").mkdir(parents=True)
    with zipfile.ZipFile(public / "evidence/figures.zip", "w") as archive:
        for dataset in ("d", "e"):
            stem = f"results/figures/{dataset}/s/f"
            made = seal({"inputs": {}, "outputs": {"figure": {"path": f"{stem}.png"}}})
            archive.writestr(f"{stem}.manifest.json", canonical_json(made))
    names = [public / f"figures.{dataset}.s.f.png" for dataset in ("d", "e")]
    for name in (*names, public / "f.png"):
        name.touch()
    first, second = parse(root, (str(names[0]), str(names[1])), None)
    assert (first.path, second.path) == ("results/figures/d/s/f.png", "results/figures/e/s/f.png")
    with pytest.raises(MedadError, match="not a result that was published there"):
        parse(root, (str(public / "f.png"), str(names[0])), None)
