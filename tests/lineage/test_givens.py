"""What a recomputation reads is there and has the recorded hash, or nothing runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from medad import layout
from medad.errors import MedadError
from medad.files import canonical_json, digest, write_bytes, write_json
from medad.lineage import manifest
from medad.lineage.givens import give, recorded_file
from medad.lineage.graph import Graph, Node
from medad.lineage.runner import SETTINGS
from medad.lineage.store import Store

PLACE = {"dataset": "brain", "split": "grouped"}
FILES = {"no/1.png": b"healthy", "yes/2.png": b"anomalous"}
LISTING = ".prov/raw/brain.json"
INDEX = "results/index/brain/index.parquet"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def step(
    root: Path, kind: str, identity: layout.Identity, inputs: Mapping[str, str], **params: str
) -> Node:
    """A step that is done: its outputs hold their own names, or what lies there already."""
    outputs = {}
    for name, path in layout.outputs(kind, identity, {"maps": False}).items():
        if not (root / path).exists():
            write_bytes(root / path, path.encode())
        outputs[name] = (path, digest(root / path))
    read = {name: (path, sha((root / path).read_bytes())) for name, path in inputs.items()}
    half = manifest.Half(kind, {}, params, 1, {})
    path = layout.manifest(kind, identity)
    write_json(root / path, manifest.build(half, identity, read, outputs, {}))
    return Graph(root).node(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a folder of images that has been indexed, split and drawn from."""
    root = tmp_path / "root"
    for name, content in FILES.items():
        write_bytes(root / "images" / name, content)
    write_json(root / SETTINGS, {"max_memory": 77, "locations": {"brain": "images"}})
    listing = {"files": {name: sha(content) for name, content in FILES.items()}}
    for path in (LISTING, "results/index/brain/index.listing.json"):
        write_json(root / path, listing)
    step(root, "index", {"dataset": "brain"}, {"listing": LISTING})
    step(root, "split", PLACE, {"index": INDEX})
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "worktree"


def nodes(root: Path, *kinds: str) -> list[Node]:
    known = {"index": {"dataset": "brain"}, "split": PLACE}
    return [Graph(root).node(layout.manifest(kind, known[kind])) for kind in kinds]


def test_images_are_read_where_they_are_and_their_list_is_given(root: Path, project: Path) -> None:
    settings = give(root, project, nodes(root, "index", "split"))
    assert settings == {"max_memory": 77, "locations": {"brain": str(root / "images")}}
    found = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert found == {LISTING}
    assert (project / LISTING).read_bytes() == (root / LISTING).read_bytes()


def test_more_images_than_were_indexed_do_no_harm(root: Path, project: Path) -> None:
    (root / "images" / "no" / "3.png").write_bytes(b"new")
    write_json(root / LISTING, {"files": {"no/3.png": sha(b"new")}})  # as a later run leaves it
    give(root, project, nodes(root, "index"))
    assert (project / LISTING).read_bytes() == (
        root / "results/index/brain/index.listing.json"
    ).read_bytes()


def test_a_missing_or_changed_image_is_named(root: Path, project: Path) -> None:
    (root / "images/no/1.png").unlink()
    (root / "images/yes/2.png").write_bytes(b"other")
    with pytest.raises(MedadError, match=r"brain: missing or changed .*: no/1\.png, yes/2\.png;"):
        give(root, project, nodes(root, "index"))


def test_absent_images_and_an_absent_list_are_told(root: Path, project: Path) -> None:
    (root / "images").rename(root / "away")
    with pytest.raises(MedadError, match=r"brain: its images are not here .* place them at"):
        give(root, project, nodes(root, "index"))
    for path in (LISTING, "results/index/brain/index.listing.json"):
        (root / path).unlink()
    with pytest.raises(MedadError, match="not the list of images that results/index/brain"):
        give(root, project, nodes(root, "index"))


def test_results_that_are_not_recomputed_come_with_all_their_manifests(
    root: Path, project: Path
) -> None:
    give(root, project, nodes(root, "split"))
    assert (project / INDEX).read_bytes() == (root / INDEX).read_bytes()
    above = "results/index/brain/index.manifest.json"
    assert (project / above).read_bytes() == (root / above).read_bytes()
    assert not (project / layout.manifest("split", PLACE)).exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [(b"other", "taken as given, but changed"), (None, "taken as given, but not here")],
)
def test_a_result_that_is_not_the_recorded_one_is_refused(
    root: Path, project: Path, damage: bytes | None, said: str
) -> None:
    (root / INDEX).unlink()
    if damage is not None:
        (root / INDEX).write_bytes(damage)
    with pytest.raises(MedadError, match=said):
        give(root, project, nodes(root, "split"))


def weights(root: Path, path: str) -> list[Node]:
    names = {"backbone": "resnet18", "weights": "file"}
    return [step(root, "weights", names, {"file": path}, weights="file")]


def test_a_weights_file_is_copied_and_checked(root: Path, project: Path) -> None:
    write_bytes(root / "data/w.pth", b"weights")
    made = weights(root, "data/w.pth")
    give(root, project, made)
    assert (project / "data/w.pth").read_bytes() == b"weights"
    (root / "data/w.pth").write_bytes(b"others")
    with pytest.raises(MedadError, match=r"data/w\.pth: not the file that results/weights"):
        give(root, project, made)
    (root / "data/w.pth").unlink()
    with pytest.raises(MedadError, match=r"data/w\.pth: .* it is not here; place it"):
        give(root, project, made)


def test_a_file_elsewhere_stays_there(root: Path, project: Path, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"weights")
    give(root, project, weights(root, str(tmp_path / "w.pth")))
    assert not project.exists()
    with pytest.raises(MedadError, match=r"\.\./w\.pth: lies outside the project"):
        give(root, project, weights(root, "../w.pth"))


def test_recorded_content_is_found_in_its_place_or_in_the_store(root: Path) -> None:
    item = nodes(root, "index")[0].manifest["outputs"]["index"]
    assert recorded_file(root, item) == root / INDEX
    store = Store(root)
    store.put(root / INDEX, digest(root / INDEX))
    (root / INDEX).write_bytes(b"damaged")
    assert recorded_file(root, item) == store.blob(item["md5"])
    store.blob(item["md5"]).unlink()
    assert recorded_file(root, item) is None


def test_manifests_are_given_as_they_were_written(root: Path, project: Path) -> None:
    give(root, project, nodes(root, "split"))
    path = layout.manifest("index", {"dataset": "brain"})
    assert (project / path).read_bytes() == canonical_json(manifest.read(root / path))
