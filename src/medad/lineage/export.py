"""What the exports to other standards share: the steps behind a target, and their images."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medad import layout
from medad.files import read_csv, read_parquet
from medad.lineage import record
from medad.lineage.graph import Graph, Node

READERS = ("index", "pairs", "head", "score")  # steps whose images are told by image_paths


@dataclass(frozen=True)
class Image:
    """One image or mask, known by hash: its path inside the dataset is data, not to be trusted.

    ``size`` in bytes, None where the index does not state it.
    """

    dataset: str
    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Step:
    """One step with the record of the attempt that computed it; None when no record is here."""

    node: Node
    record: dict[str, Any] | None

    @property
    def key(self) -> str:
        return str(self.node.manifest["key"])

    @property
    def name(self) -> str:
        """Where its outputs lie in results/, such as heads/phantom/grouped/padim/k2/r0."""
        return self.node.path.removeprefix("results/").removesuffix(layout.MANIFEST)

    @property
    def started(self) -> datetime | None:
        return None if self.record is None else _time(self.record["started"])

    @property
    def ended(self) -> datetime | None:
        found = self.record
        return None if found is None else _time(found["started"] + found["wall_s"])


def steps(root: Path, target: str) -> list[Step]:
    """Every step that ``target`` rests on, in the order of the pipeline; its own is the last.

    Raises MedadError where the chain of manifests is broken or a record was changed.
    """
    top = Graph(root).of_file(target)
    order = list(layout.STEMS)
    found = sorted(top.up(), key=lambda node: (node is top, order.index(node.kind), node.path))
    return [Step(node, _computed(root, node.manifest["key"])) for node in found]


def images(root: Path, node: Node) -> list[Image]:
    """Every image and mask of an index step's dataset, by path; MedadError if it is unreadable."""
    rows = read_parquet(root / node.manifest["outputs"]["index"]["path"])
    dataset = str(node.manifest["identity"]["dataset"])
    found = {
        path: Image(dataset, path, digest, size)
        for path, digest, size in zip(rows["path"], rows["sha256"], rows["size"], strict=True)
    }
    for path, digest in zip(rows["mask"], rows["mask_sha256"], strict=True):
        if path:
            found.setdefault(path, Image(dataset, path, digest, None))
    return [found[path] for path in sorted(found)]


def image_paths(root: Path, node: Node) -> list[str]:
    """Paths of the images that one step of ``READERS`` read; of an index, every image and mask."""
    if node.kind == "index":
        return [image.path for image in images(root, node)]
    if node.kind == "score":
        rows = read_parquet(root / node.manifest["outputs"]["scores"]["path"])
        return sorted(rows["path"])
    return sorted(row["path"] for row in read_csv(root / node.manifest["inputs"]["shots"]["path"]))


def _computed(root: Path, key: str) -> dict[str, Any] | None:
    """The last attempt that computed a step, or else the last that restored it."""
    attempts = record.of_key(root, key)
    computed = [attempt for attempt in attempts if attempt["action"] == "computed"]
    known = computed or attempts
    return known[-1] if known else None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
