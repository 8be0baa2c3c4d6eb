"""Outputs that adopted publications leave out: absent, but known by hash."""

from __future__ import annotations

from pathlib import Path

from medad.errors import MedadError
from medad.files import read_json

UNPUBLISHED = ".prov/unpublished.json"


def unpublished(root: Path) -> dict[str, str]:
    """Path -> sha256 of each; MedadError for a damaged list."""
    if not (root / UNPUBLISHED).is_file():
        return {}
    found = read_json(root / UNPUBLISHED)
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise MedadError(f"{UNPUBLISHED}: no list of files by hash; delete it and adopt again")
    return found
