"""The written site as a whole: every link leads somewhere, nothing points outside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import Site
from project import Project

from medad.errors import MedadError
from medad.lineage.locks import try_lock
from medad.site import build as module
from medad.site.build import build

pytestmark = pytest.mark.engine


class Page(HTMLParser):
    """Targets of links and pictures, names of anchors, and whether all tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src"):
                self.targets.append(value or "")
            if name == "id":
                assert value not in self.anchors, f"{value} twice"
                self.anchors.add(value or "")
            assert name != "style", "the policy forbids styles in attributes"
            assert not name.startswith("on"), "the policy forbids scripts in attributes"
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_link_leads_to_a_file_of_the_site_and_an_anchor_of_it(site: Site) -> None:
    pages = {name: Page(site.read(name)) for name in site.pages}
    assert len([name for name in pages if name.startswith("cells/")]) == 9
    reached = {"index.html"}
    for name, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            assert (parts.scheme, parts.netloc) == ("", ""), target
            place = (site.path / name).parent / unquote(parts.path) if parts.path else None
            file = site.path / name if place is None else place.resolve()
            assert file.is_file(), f"{name}: {target}"
            reached.add(file.relative_to(site.path).as_posix())
            if parts.fragment:
                own = pages[file.relative_to(site.path).as_posix()]
                assert parts.fragment in own.anchors, f"{name}: {target}"
    made = set(digests(site.path)) - {"page.json"}
    assert reached == made, f"linked to by nothing: {sorted(made - reached)}"


def test_nothing_of_this_machine_but_what_records_say(site: Site) -> None:
    for name in site.pages:
        text = site.read(name)
        assert str(site.project.root) not in text
        assert str(site.path) not in text
        assert "http://" not in text
        assert "https://" not in text


def test_the_same_results_give_the_same_bytes(site: Site, tmp_path: Path) -> None:
    build(site.project.root, tmp_path / "again", lambda *_: None)
    assert digests(tmp_path / "again") == digests(site.path)


def test_a_failure_keeps_the_old_site_and_leaves_nothing(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project, out = copy(), tmp_path / "out" / "audit"
    build(project.root, out, lambda *_: None)
    before = digests(out)
    (project.root / "results/scores/phantom/grouped/padim/k4/r0.parquet").write_bytes(b"x")
    with pytest.raises(MedadError, match="changed since it was made"):
        build(project.root, out, lambda *_: None)
    assert digests(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["audit"]


def test_what_a_killed_run_left_is_removed_and_the_old_site_put_back(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    root, out = copy().root, tmp_path / "site" / "audit"
    build(root, out, lambda *_: None)
    before = digests(out)
    # No process has a number above 2^22.
    out.rename(out.parent / ".audit.old.4194305")
    here = f".audit.{os.getppid()}"  # of a process that runs
    for name in (".audit.4194305", ".audit.old.4194306", here, ".audited.4194305"):
        (out.parent / name).mkdir()
        (out.parent / name / "page.json").write_text('{"made by": "medad page"}')
    (out.parent / ".audit.2024").mkdir()
    (out.parent / ".audit.2024/thesis.txt").write_text("years of work")
    (out.parent / ".audit.2025").touch()
    for path in (root / "results/tables").glob("*.cells.json"):
        path.rename(path.with_suffix(".away"))
    with pytest.raises(MedadError, match="no table"):
        build(root, out, lambda *_: None)
    assert digests(out) == before
    left = sorted(path.name for path in out.parent.iterdir())
    assert left == sorted([".audit.2024", ".audit.2025", here, ".audited.4194305", "audit"])


def test_two_processes_do_not_write_the_pages_of_a_project_at_once(tmp_path: Path) -> None:
    with try_lock(tmp_path / ".prov/locks/page") or pytest.fail("locked"):
        with pytest.raises(MedadError, match="is at work in this project"):
            build(tmp_path, tmp_path / "results" / "audit", lambda *_: None)
        assert not (tmp_path / "results" / "audit").exists()


def test_a_folder_that_is_no_site_is_never_replaced(tmp_path: Path) -> None:
    root, out = tmp_path / "project", tmp_path / "mine"
    root.mkdir()
    out.mkdir()
    module.refuse_strangers(root, out)
    module.refuse_strangers(root, tmp_path / "new")
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(MedadError, match="is no site"):
        build(root, out, lambda *_: None)
    with pytest.raises(MedadError, match="is no site"):
        module.refuse_strangers(root, out / "thesis.txt")
    with pytest.raises(MedadError, match="the project lies in it"):
        module.refuse_strangers(root, tmp_path)
    (out / "page.json").write_text('{"title": "my own site"}')
    with pytest.raises(MedadError, match="is no site"):
        build(root, out, lambda *_: None)
    assert (out / "thesis.txt").read_text() == "years of work"


def test_without_a_table_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(MedadError, match="no table"):
        build(tmp_path, tmp_path / "results" / "audit", lambda *_: None)
    assert not (tmp_path / "results" / "audit").exists()
