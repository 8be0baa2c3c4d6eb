"""Results that the configuration no longer asks for."""

from __future__ import annotations

from pathlib import Path

from medad import layout
from medad.lineage import record, summary
from medad.plan import Plan

_KEPT = (f"{record.FOLDER}/", f"{summary.FOLDER}/")


def orphans(plan: Plan) -> list[str]:
    """Files below results/ that no step of the plan makes; records are history and stay, and
    summaries follow the tables by themselves."""
    wanted: set[str] = set()
    for path in plan.stage(tuple(layout.STEMS)):
        kind, identity = layout.parse_manifest(path)
        params = {"maps": plan.config.evaluation.maps}
        wanted.update(layout.outputs(kind, identity, params).values())
        wanted.add(path)
    found = (p.relative_to(plan.root).as_posix() for p in _files(plan.root / "results"))
    return sorted(p for p in found if p not in wanted and not p.startswith(_KEPT))


def remove(root: Path, paths: list[str]) -> None:
    """Delete files, then the folders this leaves empty below a stage's own folder."""
    for path in paths:
        (root / path).unlink()
    folders = [path for path in (root / "results").glob("*/**/*") if path.is_dir()]
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
