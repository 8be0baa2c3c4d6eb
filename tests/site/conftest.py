"""The site of the finished tiny project, made once, and a browser to look at it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pages import Pieces, Site
from project import ROOT, Project

from medad.lineage.locks import locked
from medad.site.album import Album
from medad.site.build import build
from medad.site.material import Material
from medad.site.pictures import Gallery


@pytest.fixture(scope="session")
def site(finished: Project) -> Site:
    """Read only, of all workers: two at once are refused in one project."""
    out = finished.root.with_name("finished_site")
    with locked(out.with_suffix(".lock")):
        if not out.exists():
            build(finished.root, out, lambda *_: None)
    return Site(finished, out)


@pytest.fixture
def pieces(finished: Project, tmp_path: Path) -> Callable[..., Pieces]:
    """The pieces of one cell of the finished project, or of another one."""

    def make(row: str = "CONSULT", column: str = "K4", project: Project = finished) -> Pieces:
        material = Material(project.root)
        (table,) = material.tables()
        cell = material.cell(table, f"phantom/grouped/{row}/{column}")
        album = Album(material, Gallery(project.root, tmp_path / "site"))
        album.register(cell)
        return Pieces(album, table, cell)

    return make


@pytest.fixture(scope="session")
def screenshots() -> ModuleType:
    """tools/screenshots.py, which also starts the browser of these tests."""
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "tools/screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chromium(screenshots: ModuleType) -> Callable[..., Any]:
    """Starts a browser; a machine without one fails here and says what to install."""
    try:
        screenshots.programs()
    except FileNotFoundError as error:
        pytest.fail(str(error))
    return screenshots.browser  # type: ignore[no-any-return]
