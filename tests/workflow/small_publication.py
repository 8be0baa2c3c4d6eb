"""What `medad publish` makes of the results of `Small`, and as a stranger might alter it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from small_project import Small, run

from medad import layout
from medad.lineage.publish import publish

TABLE = "results/tables/t.csv"
METRICS = layout.output("metrics", run("b"), "metrics")
HEADS = [layout.output("head", run(method), "head") for method in ("a", "b")]


def publication(folder: Path, results: tuple[str, ...] = (TABLE,)) -> Path:
    """Results of `Small` below ``folder``/made, published in ``folder``/published."""
    Small(folder / "made")
    publish(folder / "made", results, folder / "published")
    return folder / "published"


def rewrite(folder: Path, changes: Mapping[str, bytes | None]) -> None:
    """Pack a publication anew with other content for some paths; None leaves a file out.

    A path that is in no archive goes to that of its stage.
    """
    archives: dict[str, dict[str, bytes]] = {}
    for file in folder.glob("evidence/*.zip"):
        with zipfile.ZipFile(file) as archive:
            archives[file.stem] = {name: archive.read(name) for name in archive.namelist()}
    for path, content in changes.items():
        members = archives.setdefault(path.split("/")[1], {})
        if content is None:
            del members[path]
        else:
            members[path] = content
    for stage, members in archives.items():
        with zipfile.ZipFile(
            folder / f"evidence/{stage}.zip", "w", zipfile.ZIP_DEFLATED
        ) as archive:
            for path, content in members.items():
                archive.writestr(path, content)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content; None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
