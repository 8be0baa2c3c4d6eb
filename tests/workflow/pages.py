"""A written site and the pieces of its pages, for tests."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from project import Project

from medad import layout
from medad.files import digest, write_json
from medad.lineage import manifest
from medad.site.album import Album
from medad.site.material import Cell, Table


@dataclass(frozen=True)
class Site:
    """A written site, and the project it tells of."""

    project: Project
    path: Path

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def cell(self, row: str, column: str) -> str:
        """Path of a cell's page, found by the link of the index."""
        found = re.findall(r'<a class="cell" href="([^"]+)"', self.read("index.html"))
        wanted = f"{row}-{column}".lower()
        (one,) = [link for link in found if f"grouped-{wanted}-" in link]
        return str(one)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """A Parquet file of the project."""
        return list(pq.read_table(self.project.root / path).to_pylist())

    @cached_property
    def pages(self) -> list[str]:
        return sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*.html"))


@dataclass(frozen=True)
class Pieces:
    """What pages are made of, for tests of one piece."""

    album: Album
    table: Table
    cell: Cell


def reseal(root: Path) -> None:
    """Let manifests say what the files below results/ are now, as if they had been made so."""
    for path in (root / "results").rglob(f"*{layout.MANIFEST}"):
        found = manifest.read(path)
        for item in found["outputs"].values():
            content = digest(root / item["path"])
            item.update(sha256=content.sha256, md5=content.md5, size=content.size)
        write_json(path, manifest.seal(found))


def plain(page: str) -> str:
    """Text of a page, its tags left out."""
    return html.unescape(re.sub(r"<[^>]+>", " ", page))
