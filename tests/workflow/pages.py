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


def plain(page: str) -> str:
    """Text of a page, its tags left out."""
    return html.unescape(re.sub(r"<[^>]+>", " ", page))
