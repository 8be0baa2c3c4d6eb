"""Take over artifacts that came from elsewhere: rehash, refuse on a mismatch, index."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, digest, read_json, write_bytes
from medad.lineage import manifest
from medad.lineage.graph import Graph, Node
from medad.lineage.store import Store

_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Adopted:
    """How many steps are complete, how many are known by their manifest alone, and the outputs
    (path -> sha256) that are not here."""

    complete: int
    partial: int
    absent: dict[str, str]


def adopt(root: Path) -> Adopted:
    """Verify every result below ``root`` and make complete steps findable by their key."""
    graph, store = Graph(root), Store(root)
    complete = partial = 0
    wrong: list[str] = []
    absent: dict[str, str] = {}
    for path in graph.paths:
        found = manifest.read(root / path)
        if not manifest.consistent(found):
            wrong.append(path)
        here = True
        for item in found["outputs"].values():
            file = root / item["path"]
            if not file.is_file():
                here = False
                absent[item["path"]] = item["sha256"]
                continue
            content = digest(file)
            if content != Digest(item["sha256"], item["md5"], item["size"]):
                wrong.append(item["path"])
            elif not wrong:
                store.put(file, content)
        if here and not wrong:
            store.remember(found)
        complete, partial = complete + here, partial + (not here)
        if found["kind"] == "index":
            _restore_listing(root, found["identity"])
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise MedadError(f"refused: not what their manifests say: {', '.join(wrong[:5])}{more}")
    return Adopted(complete, partial, absent)


def unpack(folder: Path, root: Path) -> int:
    """Place the published evidence of ``folder`` below ``root``; refuses to replace other files."""
    archives = sorted(folder.glob("evidence/*.zip"))
    if not archives:
        raise MedadError(f"{folder}: no evidence/*.zip; give a folder that `medad publish` wrote")
    for name, content in _published(folder, archives):
        target = _inside(root, name)
        if target.exists() and target.read_bytes() != content:
            raise MedadError(f"{name}: another version is here; move results/ away first")
    placed = 0
    for name, content in _published(folder, archives):
        write_bytes(_inside(root, name), content)
        placed += 1
    return placed


def _published(folder: Path, archives: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Path and content of all that was published: what is in the archives, and the pictures, which
    lie beside them alone."""
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                content = opened.read(name)
                yield name, content
                if not name.endswith(layout.MANIFEST):
                    continue
                kind, identity = layout.parse_manifest(name)
                if kind == "figure":
                    picture = layout.output("figure", identity, "figure")
                    beside = folder / Path(picture).name
                    if beside.is_file():
                        yield picture, beside.read_bytes()


def pack(paths: list[str], root: Path, target: Path) -> None:
    """Files below ``root`` as a zip: fixed order and dates, so equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            archive.writestr(zipfile.ZipInfo(path, _DATE), (root / path).read_bytes(), 8, 9)
    write_bytes(target, buffer.getvalue())


def publish(root: Path, results: Sequence[str], folder: Path) -> list[str]:
    """Tables and figures with their evidence, without images, models and maps.

    That is what a stranger can check. Returns the paths packed. What was asked for lies open beside
    the archives: CSV, Markdown and cell map of a table, the picture of a figure (which is nowhere
    else). MedadError for a file that is no result, and for two results that have a file of the same
    name.
    """
    graph = Graph(root)
    asked = {node.path: node for node in map(graph.of_file, results)}
    opened = [item["path"] for n in asked.values() for item in n.manifest["outputs"].values()]
    names = [Path(path).name for path in opened]
    if len(set(names)) < len(names):
        raise MedadError(f"{folder}: results of the same name: {', '.join(sorted(opened))}")
    nodes = {node.path: node for one in asked.values() for node in one.up()}
    packed: dict[str, set[str]] = {}
    for node in nodes.values():
        keys = Path("results/records") / node.manifest["key"][:2] / node.manifest["key"]
        records = sorted((root / keys).glob("*.json"))
        files = [node.path, *(path.relative_to(root).as_posix() for path in records)]
        for file in [*files, *evidence(node)]:
            packed.setdefault(PurePosixPath(file).parts[1], set()).add(file)
    shutil.rmtree(folder / "evidence", ignore_errors=True)
    for stage, stage_files in packed.items():
        pack(sorted(stage_files), root, folder / "evidence" / f"{stage}.zip")
    for path in opened:
        write_bytes(folder / Path(path).name, (root / path).read_bytes())
    return sorted(file for files in packed.values() for file in files)


def evidence(node: Node) -> list[str]:
    """Outputs of a step that anyone may have: no images, nothing drawn from them, no models."""
    outputs = node.manifest["outputs"]
    if node.kind == "stage1":
        return [outputs["events"]["path"]]
    if node.kind in ("weights", "phantom", "pairs", "head", "figure"):
        return []
    return [item["path"] for name, item in outputs.items() if name != "maps"]


def _restore_listing(root: Path, identity: layout.Identity) -> None:
    """The list of a dataset's files, so that absent images stay known by hash."""
    copy = root / layout.output("index", identity, "listing")
    target = root / layout.LISTING.format(**identity)
    if copy.is_file() and not target.exists():
        read_json(copy)
        write_bytes(target, copy.read_bytes())


def _inside(root: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or parts[0] != "results" or ".." in parts:
        raise MedadError(f"{name}: an archive may only hold files below results/")
    return root.joinpath(*parts)
