from __future__ import annotations

from pathlib import Path

import pytest
from small_project import DRAW, Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import read_json, write_bytes, write_json
from medad.lineage import inventory, manifest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Small(tmp_path).root


def take(root: Path) -> inventory.Inventory:
    return inventory.take(root, inventory.every(root))


def test_each_link_is_known_once(root: Path) -> None:
    known = take(root)
    assert known.problems == []
    named = {(known.manifests[one], known.manifests[two]) for one, two in known.links()}
    expected = set()
    for path in known.manifests:
        for item in read_json(root / path)["inputs"].values():
            expected.add((str(manifest.beside(item["path"])), path))
    assert named == expected
    outputs = {o["path"] for p in known.manifests for o in read_json(root / p)["outputs"].values()}
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
    assert sum(one == step for one, _ in known.links()) == 4


def test_a_damaged_manifest_still_tells_what_it_read(root: Path) -> None:
    path = layout.manifest("score", run("a"))
    content = (root / path).read_bytes()
    write_bytes(root / path, content.replace(b'"draw": 7', b'"draw": 8'))
    known = take(root)
    assert [found[:2] for found in known.problems] == [
        (path, "manifest changed since it was written")
    ]
    named = {(known.manifests[one], known.manifests[two]) for one, two in known.links()}
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


def test_a_negative_size_and_a_path_that_is_none_are_refused(root: Path) -> None:
    path = layout.manifest("shots", DRAW)
    found = read_json(root / path)
    found["outputs"]["shots"]["size"] = -1
    write_json(root / path, manifest.seal(found))
    assert take(root).problems[0][:2] == (path, "not a manifest of medad")


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
    assert len(inventory.read(str(root / "cells"))) == (root / "cells").stat().st_size


def test_a_file_longer_than_one_reading_is_whole(tmp_path: Path) -> None:
    for size in (0, 65535, 65536, 65537, 200_000):
        content = bytes(number % 251 for number in range(size))
        (tmp_path / "f").write_bytes(content)
        assert inventory.read(str(tmp_path / "f")) == content
