from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_project import DRAW, Small, run

from medad import layout
from medad.files import read_json, write_bytes, write_json
from medad.lineage import inventory, manifest, record, rehash
from medad.lineage.inventory import Inventory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Small(tmp_path).root


def take(root: Path) -> Inventory:
    return inventory.take(root, inventory.every(root))


def outputs(root: Path) -> dict[str, str]:
    known = take(root)
    return {path: fault for path, fault, _ in rehash.outputs(root, known, lambda _: True, [])}


def below(root: Path) -> dict[str, str]:
    return {path: fault for path, fault, _ in rehash.below_results(root, take(root), [])}


def of_step(root: Path, kind: str, identity: layout.Identity) -> tuple[str, Path]:
    """Key of a step, and its record."""
    key = read_json(root / layout.manifest(kind, identity))["key"]
    return key, next((root / "results/records" / key[:2] / key).iterdir())


@pytest.mark.parametrize("size", [0, 5, (1 << 20) + 1])
def test_small_and_large_files_are_rehashed(tmp_path: Path, size: int) -> None:
    made, draw = Small(tmp_path), {**DRAW, "r": 1}
    path = made.step("shots", draw, {}, {"shots": bytes(size)})["shots"]
    assert outputs(tmp_path) == {}
    (tmp_path / path).write_bytes(bytes(size) + b"x")
    assert outputs(tmp_path) == {path: "changed since it was made"}
    (tmp_path / path).write_bytes(bytes(max(size - 1, 0)) + b"x" * (size > 0))
    assert (path in outputs(tmp_path)) == (size > 0)
    (tmp_path / path).unlink()
    assert outputs(tmp_path) == {path: "missing"}
    (tmp_path / path).mkdir()
    assert outputs(tmp_path)[path].startswith(("cannot be read", "changed"))


def test_a_record_is_whole_and_lies_with_its_key(root: Path) -> None:
    assert below(root) == {}
    _, file = of_step(root, "shots", DRAW)
    name, content = file.relative_to(root).as_posix(), file.read_bytes()
    file.write_bytes(content.replace(b"1.5", b"1.6"))
    assert below(root) == {name: "record changed since it was written"}
    _, another = of_step(root, "head", run("a"))
    file.write_bytes(another.read_bytes())
    assert below(root) == {name: "record of another step"}
    file.unlink()
    fault = "no record says where and when this was computed"
    assert below(root) == {layout.manifest("shots", DRAW): fault}
    known = take(root)
    assert [found[0] for found in rehash.records_of_steps(root, known)] == [
        layout.manifest("shots", DRAW)
    ]


@pytest.mark.parametrize("other", [(1.5, 2), (1.500001, 1), (1e-6, 1), (2.5, 1)])
@pytest.mark.parametrize("recorded", [True, False])  # whether the process is in the record
def test_a_copy_of_a_record_is_told_by_its_name(
    root: Path, other: tuple[float, int], recorded: bool
) -> None:
    _, file = of_step(root, "shots", DRAW)
    if not recorded:
        value = {name: item for name, item in read_json(file).items() if name != "process"}
        write_json(file, manifest.seal({**value, "started": 1.5}))
        file = file.rename(file.with_name(record.name(1.500499, 7)))  # the time was rounded
    assert below(root) == {}
    copy = file.with_name(record.name(*other))
    copy.write_bytes(file.read_bytes())
    fault = "copy of a record: its name is not that of the attempt it tells of"
    near = not recorded and other[0] < 1.6 and other[0] > 1.4
    assert below(root) == ({} if near else {copy.relative_to(root).as_posix(): fault})
    copy.rename(file.with_name("1500000-1.json"))
    assert len(below(root)) == 1


def test_a_record_tells_of_the_step_whose_key_it_has(root: Path) -> None:
    _, file = of_step(root, "shots", DRAW)
    name, value = file.relative_to(root).as_posix(), read_json(file)
    for change in (
        {"kind": "index"},
        {"kind": "metrics"},
        {"kind": ["shots"]},
        {"identity": {**DRAW, "k": 4}},
        {"identity": {**DRAW, "method": "a"}},
        {"identity": {}},
        {"identity": "x"},
        {"identity": {**DRAW, "k": "2"}},
        {"started": "soon"},
        {"started": 1e300},
        {"process": None},
    ):
        write_json(file, manifest.seal({**value, **change}))
        assert list(below(root)) == [name], change
    for lost in ("kind", "identity", "started"):
        write_json(file, manifest.seal({n: item for n, item in value.items() if n != lost}))
        assert list(below(root)) == [name], lost
    write_json(file, manifest.seal({**value, "device": "Прибор"}))
    assert below(root) == {}


def test_records_of_former_results_are_history_but_must_be_whole(root: Path) -> None:
    key = "ab" * 32
    file = root / f"results/records/ab/{key}" / record.name(1.5, 1)
    write_json(file, manifest.seal({"key": key, "process": 1, "started": 1.5, "z": 0}))
    assert below(root) == {}
    file.write_bytes(b"{}")
    [(path, _, step)] = rehash.below_results(root, take(root), [])
    assert path == file.relative_to(root).as_posix()
    assert step is None


@pytest.mark.parametrize(
    "path",
    [
        "results/notes.txt",
        "results/x.manifest.json",
        "results/tables/t2.txt",
        "results/records/notes.txt",
        "results/records/00/" + "ab" * 32 + "/1-1.json",
        "results/records/ab/" + "ab" * 32 + "/1-1.txt",
        "results/lonely.dvc",
        "results/scores/d/s/a/k2/r0.maps.npz",
    ],
)
def test_what_nothing_names_is_extra(root: Path, path: str) -> None:
    write_bytes(root / path, b"x")
    assert below(root) == {path: "extra: no manifest or record names it"}


def test_the_output_of_a_lost_step_says_so(root: Path) -> None:
    path = "results/shots/d/s/k9/r0.csv"
    write_bytes(root / path, b"x")
    fault = "extra: its manifest results/shots/d/s/k9/r0.manifest.json is missing"
    assert below(root) == {path: fault}


def test_dvc_s_own_files_and_those_being_written_are_no_problem(root: Path) -> None:
    for name in (".gitignore", "records.dvc", "tables/.t.csv.123", ".audit.123/index.html"):
        write_bytes(root / "results" / name, b"x")
    notes: list[str] = []
    assert list(rehash.below_results(root, take(root), notes)) == []
    assert notes == ["2 files are being written, or were when a run was killed"]


def test_outputs_of_a_damaged_manifest_are_not_called_extra(root: Path) -> None:
    write_bytes(root / layout.manifest("shots", DRAW), b"{}")
    assert below(root) == {}


def test_a_stored_manifest_is_that_of_the_result(root: Path) -> None:
    key, _ = of_step(root, "shots", DRAW)
    entry = root / f".prov/index/{key}.json"
    source = root / layout.manifest("shots", DRAW)

    def faults() -> list[tuple[str, bool]]:
        found = rehash.stored(root, take(root), rehash.stored_keys(root))
        return [(fault, step is not None) for _, fault, step in found]

    write_bytes(entry, source.read_bytes())
    assert faults() == []
    write_bytes(entry, source.read_bytes().replace(b'"draw": 7', b'"draw": 8'))
    assert faults() == [("stored manifest changed since it was written", True)]
    write_json(entry, manifest.seal({**read_json(source), "seeds": {"draw": 8}}))
    assert faults() == [("stored manifest differs from the result's", True)]
    os.remove(entry)
    write_bytes(root / f".prov/index/{'ab' * 32}.json", b"{}")
    assert faults() == [("stored manifest changed since it was written", False)]
    (root / ".prov/index/notes").touch()
    assert len(faults()) == 1
