"""What a recomputation takes as given: images, weights files and earlier results.

All are checked by hash before anything runs, and only read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from medad import layout
from medad.backbones import published
from medad.config.load import load
from medad.data import catalog
from medad.errors import MedadError
from medad.files import canonical_json, read_json, sha256, write_bytes
from medad.lineage.graph import Node
from medad.lineage.runner import SETTINGS
from medad.lineage.store import Store, copy

_READS_IMAGES = ("index", "pairs", "head", "score", "figure")  # metrics read masks, if any
_MEMORY = 4096  # MiB for large arrays where no run has left its settings
_NAMED = 5  # files that an error names


def give(root: Path, project: Path, made: Collection[Node]) -> dict[str, Any]:
    """Place below ``project`` what the steps ``made`` read and none of them makes.

    Returns the settings for their jobs, without the device. Raises MedadError for what is missing
    or is not what was recorded.
    """
    own = {node.path for node in made}
    for node in made:
        for item in node.manifest["inputs"].values():
            maker = layout.parse(item["path"])
            if maker is None:
                _source(root, project, node, item)
            elif layout.manifest(*maker) not in own:
                _result(root, project, item)
        if node.kind == "weights" and node.manifest["params"]["weights"] == "imagenet":
            published.require(str(node.manifest["params"]["name"]))
        for above in node.up():
            if above.path not in own:
                write_bytes(project / above.path, canonical_json(above.manifest))
    settings = read_json(root / SETTINGS) if (root / SETTINGS).is_file() else {}
    return {
        "max_memory": settings.get("max_memory", _MEMORY),
        "locations": _locations(root, made, settings.get("locations", {})),
    }


def recorded_file(root: Path, item: Mapping[str, Any]) -> Path | None:
    """The recorded content of an output: in its place, else in the store; None when in neither."""
    places: list[Path] = [root / item["path"], Store(root).blob(item["md5"])]
    for path in places:
        if path.is_file() and sha256(path) == item["sha256"]:
            return path
    return None


def _result(root: Path, project: Path, item: Mapping[str, Any]) -> None:
    source, target = root / item["path"], project / item["path"]
    if target.is_file():
        return
    if not source.is_file():
        raise MedadError(
            f"{item['path']}: taken as given, but not here; restore it (`medad adopt`, "
            "`dvc pull`), or recompute it with --from raw"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    copy(source, target)
    if sha256(target) != item["sha256"]:
        raise MedadError(
            f"{item['path']}: taken as given, but changed since it was made; `medad verify` names "
            "what rests on it, and --from raw recomputes it"
        )


def _source(root: Path, project: Path, reader: Node, item: Mapping[str, Any]) -> None:
    """A file that no step makes: a list of images, or a user's weights or natural images."""
    path, wanted = str(item["path"]), item["sha256"]
    dataset = reader.manifest["identity"].get("dataset")
    if path == layout.LISTING.format(dataset=dataset):
        write_bytes(project / path, _listing(root, path, reader, wanted))
        return
    source = root / path
    if not source.is_file():
        raise MedadError(f"{path}: {reader.path} was made from it and it is not here; place it")
    if sha256(source) != wanted:
        raise MedadError(
            f"{path}: not the file that {reader.path} was made from (sha256 {wanted[:12]}); "
            "place that one"
        )
    if Path(path).is_absolute():
        return  # read from where it is
    if ".." in PurePosixPath(path).parts:
        raise MedadError(f"{path}: lies outside the project; record it by its absolute path")
    target = project / path
    target.parent.mkdir(parents=True, exist_ok=True)
    copy(source, target)


def _listing(root: Path, path: str, index: Node, wanted: str) -> bytes:
    """The recorded list of a dataset's files: as it was made, or as it travels with the index."""
    places = (path, layout.output("index", index.manifest["identity"], "listing"))
    for place in places:
        if (root / place).is_file() and sha256(root / place) == wanted:
            return (root / place).read_bytes()
    raise MedadError(
        f"{path}: not the list of images that {index.path} was made from (sha256 {wanted[:12]}), "
        f"and neither is {places[1]}; restore one of them"
    )


def _locations(root: Path, made: Collection[Node], known: Mapping[str, str]) -> dict[str, str]:
    """Where images are read: a generated dataset's in the worktree, if it is generated there."""
    found: dict[str, str] = {}
    datasets = {str(n.manifest["identity"]["dataset"]) for n in made if _placed(n)}
    for dataset in sorted(datasets):
        own = layout.output("phantom", {"dataset": dataset}, "images")
        phantom = layout.manifest("phantom", {"dataset": dataset})
        above = {a.path: a for n in made if _placed(n) for a in n.up()}
        if any(node.path == phantom for node in made):
            found[dataset] = own
            continue
        place = root / (own if phantom in above else known.get(dataset) or _usual(root, dataset))
        # Absolute, as it is read from the worktree, where a relative place is another.
        found[dataset] = str(place.resolve())
        of_dataset = [n for n in made if n.manifest["identity"].get("dataset") == dataset]
        if any(node.kind in _READS_IMAGES for node in of_dataset):
            _require_images(root, place, dataset, of_dataset)
    return found


def _placed(node: Node) -> bool:
    return "dataset" in node.manifest["identity"]


def _usual(root: Path, dataset: str) -> Path:
    """Where the configuration has a dataset's images, or would."""
    config = load(root, {})
    return (
        config.root_of(dataset) if dataset in config.datasets else Path(config.data.root) / dataset
    )


def _require_images(root: Path, place: Path, dataset: str, made: Collection[Node]) -> None:
    """MedadError unless every listed file is at ``place`` with the hash it had."""
    if not place.exists():
        raise MedadError(
            f"{dataset}: its images are not here (they are known by hash); place them at {place}, "
            "or take results as given with --from scores"
        )
    index = next((a for n in made for a in n.up() if a.kind == "index"), None)
    if index is None:
        return
    item = index.manifest["outputs"]["listing"]
    source = recorded_file(root, item)
    if source is None:
        raise MedadError(f"{item['path']}: missing or changed; it says which images there were")
    wanted = read_json(source)["files"]
    there = catalog.listing(place)
    wrong = sorted(name for name, digest in wanted.items() if there.get(name) != digest)
    if wrong:
        more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise MedadError(
            f"{dataset}: missing or changed since they were indexed, at {place}: "
            f"{', '.join(wrong[:_NAMED])}{more}; restore them"
        )
