"""Pack tables and figures with their evidence into a folder that `medad adopt` takes over."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from medad.errors import MedadError
from medad.files import Digest, digest
from medad.lineage import checked, record, rehash
from medad.lineage.archives import readable
from medad.lineage.graph import Graph, Node
from medad.lineage.placing import place, prepared

_DATE = (1980, 1, 1, 0, 0, 0)


def publish(root: Path, results: Sequence[str], folder: Path) -> list[str]:
    """Tables and figures with their evidence, without images, models and maps.

    That is what a stranger can check. Returns the paths packed. What was asked for lies open beside
    the archives: CSV, Markdown and cell map of a table, the picture of a figure (which is nowhere
    else); those of one name go by their path, such as ``figures.busi.adfa.adfa_curves.png``.
    MedadError, and nothing is changed, for a file that is no result, a file that is missing or not
    what its manifest says, an ``evidence`` that holds anything else, and a folder that cannot be
    written.
    """
    graph = Graph(root)
    asked = {node.path: node for node in map(graph.of_file, results)}
    opened = open_names([path for node in asked.values() for path in _opened(node)])
    nodes = {node.path: node for one in asked.values() for node in one.up()}
    packed: dict[str, set[str]] = {}
    made: dict[str, Digest] = {}
    for node in nodes.values():
        made.update(checked.step((root / node.path).read_bytes(), node.path, node.path).outputs)
        for file in [node.path, *_records(root, node.manifest["key"]), *evidence(node)]:
            packed.setdefault(PurePosixPath(file).parts[1], set()).add(file)
    files = sorted(file for stage_files in packed.values() for file in stage_files)
    wrong = [path for path in sorted({*files, *opened.values()}) if _fault(root, path, made)]
    if wrong:
        raise checked.refusal(
            [f"{path} ({_fault(root, path, made)})" for path in wrong], "not published"
        )
    try:
        _replaceable(folder / "evidence")
        for name in opened:
            if (folder / name).is_dir():
                raise MedadError(f"{folder / name}: a folder, where {name} is to be written")
        with prepared(folder) as temporary:
            _write(root, packed, opened, temporary)
            moves = [(temporary / name, folder / name) for name in ("evidence", *opened)]
            (temporary / "aside").mkdir()
            place(moves, temporary / "aside")
    except OSError as error:
        raise MedadError(
            f"{error.filename or folder}: cannot be written ({error.strerror})"
        ) from error
    return files


def pack(paths: Sequence[str], root: Path, target: Path) -> None:
    """Files below ``root`` as a zip: fixed order and dates, so equal files give equal bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            archive.writestr(zipfile.ZipInfo(path, _DATE), (root / path).read_bytes(), 8, 9)


def evidence(node: Node) -> list[str]:
    """Outputs of a step that anyone may have: no images, nothing drawn from them, no models."""
    outputs = node.manifest["outputs"]
    return [item["path"] for name, item in outputs.items() if _is_evidence(node.kind, name)]


def _is_evidence(kind: str, name: str) -> bool:
    if kind == "stage1":
        return name == "events"
    return kind not in ("weights", "phantom", "pairs", "head", "figure") and name != "maps"


def _opened(node: Node) -> list[str]:
    """What lies beside the archives of a result that was asked for."""
    if node.kind == "figure":
        return [item["path"] for item in node.manifest["outputs"].values()]
    return evidence(node)


def open_names(paths: Sequence[str]) -> dict[str, str]:
    """Paths by the names they lie open under, each once: only suffixes hold dots."""
    names = {path: PurePosixPath(path).name for path in paths}
    often = Counter(names.values())
    return {
        name if often[name] == 1 else ".".join(PurePosixPath(path).parts[1:]): path
        for path, name in names.items()
    }


def _records(root: Path, key: str) -> list[str]:
    found = (root / record.FOLDER / key[:2] / key).glob("*.json")
    return sorted(filter(rehash.is_record, (path.relative_to(root).as_posix() for path in found)))


def _fault(root: Path, path: str, made: Mapping[str, Digest]) -> str:
    """Why a file is not published; "" for one that is what its manifest says."""
    file = root / path
    try:
        if path in made:
            return "" if digest(file) == made[path] else "changed since it was made"
        if rehash.is_record(path) and not checked.is_whole_record(file.read_bytes(), path):
            return "changed since it was written"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _replaceable(folder: Path) -> None:
    """MedadError unless the folder is not there, or holds what medad published and nothing else."""
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise MedadError(f"{folder}: no folder; move it away, for archives are written there")
    for file in sorted(folder.iterdir()):
        other = not file.name.endswith(".zip") or file.is_symlink() or not file.is_file()
        if not other:
            with readable(file), zipfile.ZipFile(file) as archive:
                other = not all(_is_published(name, file.stem) for name in archive.namelist())
        if other:
            raise MedadError(
                f"{file}: not written by `medad publish`, which replaces {folder}; move it away"
            )


def _is_published(path: str, stage: str) -> bool:
    """Whether a file is one that ``pack`` has put into the archive of this stage."""
    if not path.startswith(f"results/{stage}/"):
        return False
    found = checked.output(path)
    return rehash.is_record(path) or (
        found is not None and (found[1] == "" or _is_evidence(*found))
    )


def _write(
    root: Path, packed: Mapping[str, set[str]], opened: Mapping[str, str], folder: Path
) -> None:
    (folder / "evidence").mkdir()
    for stage, files in packed.items():
        pack(sorted(files), root, folder / "evidence" / f"{stage}.zip")
    for name, path in opened.items():
        (folder / name).write_bytes((root / path).read_bytes())
