from __future__ import annotations

from pathlib import Path

import pytest
from small_project import DRAW, Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import read_json, write_bytes, write_json
from medad.lineage import inventory, manifest, summaries


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Small(tmp_path).root


def take(root: Path) -> inventory.Inventory:
    return inventory.take(root, inventory.every(root))


def test_each_link_is_known_once(root: Path) -> None:
    known = take(root)
    assert known.problems == []
    named = {(known.path(one), known.path(two)) for one, two in known.links()}
    expected = set()
    for _, path in known.manifests():
        for item in read_json(root / path)["inputs"].values():
            expected.add((str(manifest.beside(item["path"])), path))
    assert named == expected
    outputs = {
        o["path"] for _, p in known.manifests() for o in read_json(root / p)["outputs"].values()
    }
    assert {path for path, _ in known.outputs()} == outputs


def test_the_first_steps_come_first_and_only_those_of_a_target(root: Path) -> None:
    kinds = [layout.parse_manifest(path)[0] for path in inventory.every(root)]
    order = [kind for kind in layout.STEMS if kind in kinds]
    assert list(dict.fromkeys(kinds)) == order
    target = layout.output("metrics", run("a"), "metrics")
    found = inventory.ancestry(root, target)
    assert [layout.parse_manifest(path)[0] for path in found] == [
        "shots",
        "head",
        "score",
        "metrics",
    ]
    assert not any("/b/" in path for path in found)
    for path, message in (("params.yaml", "not an artifact"), ("results/tables/u.csv", "nothing")):
        with pytest.raises(MedadError, match=message):
            inventory.ancestry(root, path)


def test_a_missing_manifest_is_one_problem_with_its_readers(root: Path) -> None:
    path = layout.manifest("shots", DRAW)
    (root / path).unlink()
    known = take(root)
    step = known.damaged[path]
    assert known.problems == [(path, "missing", step)]
    assert sum(one == step for one, _ in known.links()) == 5  # two heads, two scores, the intervals


def test_the_makers_of_some_keys_are_asked_for_together(root: Path) -> None:
    known = take(root)
    keys = list(known.each_key())
    makers = known.makers([*keys[:3], bytes(32)])
    assert makers == {key: known.path(known.step(key) or 0) for key in keys[:3]}
    assert known.makers([]) == {}


def test_a_damaged_manifest_still_tells_what_it_read(root: Path) -> None:
    path = layout.manifest("score", run("a"))
    content = (root / path).read_bytes()
    write_bytes(root / path, content.replace(b'"draw": 7', b'"draw": 8'))
    known = take(root)
    assert [found[:2] for found in known.problems] == [
        (path, "manifest changed since it was written")
    ]
    named = {(known.path(one), known.path(two)) for one, two in known.links()}
    assert (layout.manifest("head", run("a")), path) in named
    assert (path, layout.manifest("metrics", run("a"))) in named
    write_bytes(root / path, b"\xff")
    assert [found[0] for found in take(root).problems] == [path]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"threads": 4}, "manifest's key is not that of its own content"),
        ({"outputs": {"scores": {"path": "results/../x"}}}, "is the manifest of"),
        ({"outputs": {"other": {"path": "results/../x"}}}, "not a manifest of medad"),
        ({"outputs": 3}, "not a manifest of medad"),
        ({"key": "0"}, "not a manifest of medad"),
    ],
)
def test_a_sealed_lie_is_no_manifest(root: Path, change: dict[str, object], problem: str) -> None:
    path = layout.manifest("score", run("a"))
    found = {**read_json(root / path), **change}
    write_json(root / path, manifest.seal(found))
    assert any(one == path and fault.startswith(problem) for one, fault, _ in take(root).problems)


def test_the_manifest_of_another_step_is_noticed(root: Path) -> None:
    other = layout.manifest("shots", {**DRAW, "r": 1})
    write_bytes(root / other, (root / layout.manifest("shots", DRAW)).read_bytes())
    problem = (other, "is the manifest of results/shots/d/s/k2/r0")
    assert [found[:2] for found in take(root).problems] == [problem]


def test_another_version_of_an_input_is_a_broken_link(tmp_path: Path) -> None:
    made = Small(tmp_path)
    made.step("head", run("a"), {}, {"head": b"another"})
    reader = layout.manifest("score", run("a"))
    [(path, fault, _)] = take(tmp_path).problems
    assert path == reader
    assert "another version of results/heads/d/s/a/k2/r0.safetensors" in fault
    assert "Snakemake would make it again" in fault


def test_a_link_to_a_folder_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "file").touch()
    (root / "results/linked").symlink_to(elsewhere)
    assert "results/linked" not in {str(Path(p).parent) for p in inventory.files(root, "results")}
    assert list(inventory.files(root, "nowhere")) == []
    assert len(summaries.read(str(root / "cells"))) == (root / "cells").stat().st_size


def test_any_name_a_file_can_have_is_asked_for_and_none_is_taken_for_another(root: Path) -> None:
    known = take(root)
    for name in ("results/\udcff.csv", "results/\U0001f600", "results/'", "results/%"):
        assert not known.names(name)
        assert not known.is_manifest(name)
        assert known.output(name) is None
    path = layout.output("shots", DRAW, "shots")
    assert known.names(path)
    assert not known.names(path.upper())
    assert not known.names(path[:-1])


def test_steps_are_found_by_their_keys_and_outputs_by_their_folder(root: Path) -> None:
    known = take(root)
    keys = list(known.each_key())
    assert [known.step(key) for key in keys] == list(range(known.steps))
    assert known.step(bytes(32)) is None
    for key in keys[1:]:
        known.recorded(key)
    assert known.unrecorded() == [(0, known.path(0))]
    every = dict(known.outputs())
    below = dict(known.outputs("results/metrics/"))
    assert below == {p: made for p, made in every.items() if p.startswith("results/metrics/")}
    assert len(below) == 3  # of two methods, and their intervals


def test_more_steps_than_are_written_at_once_are_all_there(tmp_path: Path) -> None:
    made = Small(tmp_path)
    for r in range(300):
        made.step("shots", {**DRAW, "r": r}, {}, {"shots": b"%d" % r}, recorded=False)
    known = take(tmp_path)
    assert known.steps == len(set(known.manifests())) == len(set(known.each_key())) == 308
    assert len(list(known.outputs())) == 310
