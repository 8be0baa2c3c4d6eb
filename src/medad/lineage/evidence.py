"""Outputs read to tell of a number: only as their manifest has them, and without slow imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import read_csv, read_json, read_parquet, sha256
from medad.lineage import record
from medad.lineage.graph import Node


def output(root: Path, node: Node, name: str) -> Path:
    """One output of a step; MedadError when it is absent or is not what its manifest says.

    The path is that of the layout, never the one written in the manifest.
    """
    path = layout.output(*layout.parse_manifest(node.path), name)
    if not (root / path).is_file():
        raise MedadError(
            f"{path}: missing; `dvc pull` or `medad adopt` brings it, or make it again"
        )
    if sha256(root / path) != node.manifest["outputs"][name]["sha256"]:
        raise MedadError(
            f"{path}: changed since it was made; `medad verify` names the numbers it affects, and "
            "deleted it is restored by the next run"
        )
    return root / path


def json_of(root: Path, node: Node, name: str) -> Any:
    """A JSON output."""
    return read_json(output(root, node, name))


def csv_of(root: Path, node: Node, name: str) -> list[dict[str, str]]:
    """Rows of a CSV output as text."""
    return read_csv(output(root, node, name))


def parquet_of(root: Path, node: Node, name: str, columns: list[str]) -> dict[str, list[Any]]:
    """Columns of a Parquet output."""
    return read_parquet(output(root, node, name), columns)


def records(root: Path, node: Node) -> list[dict[str, Any]]:
    """Every attempt at a step, oldest first; MedadError for a damaged one and when there is none.

    Only the folder of the step's key is looked at, so that the number of records does not matter.
    """
    key = str(node.manifest["key"])
    found = record.of_key(root, key)
    if not found:
        raise MedadError(
            f"{record.FOLDER}/{key[:2]}/{key}: no record of {node.path}, so it is not known when "
            "and where it was made; `dvc pull` the records, or delete the manifest and run again"
        )
    return found
