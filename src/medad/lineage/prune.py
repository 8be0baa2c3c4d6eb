"""Results that the configuration no longer asks for."""

from __future__ import annotations

from pathlib import Path

from medad import layout
from medad.lineage import record, views
from medad.plan import Plan

# History, and what follows the tables by itself or was asked for by hand.
KEPT = tuple(f"{folder}/" for folder in (record.FOLDER, *views.EVERY))


def orphans(plan: Plan) -> list[str]:
    """Files below results/ that no step of the plan makes, but those of ``KEPT``."""
    wanted: set[str] = set()
    for path in plan.stage(tuple(layout.STEMS)):
        kind, identity = layout.parse_manifest(path)
        params = {"maps": plan.config.evaluation.maps}
        wanted.update(layout.outputs(kind, identity, params).values())
        wanted.add(path)
    found = (p.relative_to(plan.root).as_posix() for p in _files(plan.root / "results"))
    return sorted(p for p in found if p not in wanted and not p.startswith(KEPT))


def remove(root: Path, paths: list[str]) -> None:
    """Delete files, then the folders this leaves empty below a stage's own folder."""
    stages = root / "results"
    for path in paths:
        (root / path).unlink()
        for folder in (root / path).parents:
            if stages in (folder, folder.parent) or any(folder.iterdir()):
                break
            folder.rmdir()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
