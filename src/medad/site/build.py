"""Write the whole site: into a temporary folder, which then takes the place of the old one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from medad.errors import MedadError
from medad.files import read_json, write_bytes, write_json
from medad.lineage.locks import try_lock
from medad.site import cell, image, index, leakage
from medad.site.album import Album
from medad.site.document import MARKER
from medad.site.material import Material
from medad.site.pictures import Gallery

_LOCK = ".prov/locks/page"
ASSETS = ("style.css", "script.js", "icon.svg")
Report = Callable[[int, int, str], None]  # cells done, of how many, which


def build(root: Path, out: Path, report: Report) -> dict[str, int]:
    """Write the site of the project at ``root`` to ``out``; how many pages of each kind.

    An older site at ``out`` is replaced when the new one is complete, and kept on any error.
    MedadError when ``out`` holds anything that is not such a site, when another process writes the
    pages of this project, or when nothing has been made yet.
    """
    out = out.resolve()
    refuse_strangers(root, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    held = try_lock(root / _LOCK)
    if held is None:
        raise MedadError("`medad page` is at work in this project; wait until it is done")
    with held:
        _recover(out)
        temporary = out.with_name(f".{out.name}.{os.getpid()}")
        try:
            _mark(temporary, {})
            counts = _write(root, temporary, report)
            _replace(out, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return counts


def _recover(out: Path) -> None:
    """Remove what a killed run left, and put the old site back if it was about to be replaced."""
    name = re.compile(rf"\.{re.escape(out.name)}\.(old\.)?([0-9]+)")
    for left in sorted(out.parent.iterdir()):
        found = name.fullmatch(left.name)
        if found and _marked(left) and not _runs(int(found[2])):
            if found[1] and not out.exists():
                left.rename(out)
            else:
                shutil.rmtree(left)


def _mark(site: Path, counts: Mapping[str, int]) -> None:
    """What tells a site of this command from any other folder."""
    write_json(site / MARKER, {"made by": "medad page", **counts})


def _marked(folder: Path) -> bool:
    try:
        found = read_json(folder / MARKER)
    except (MedadError, OSError):
        return False
    return isinstance(found, dict) and found.get("made by") == "medad page"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def refuse_strangers(root: Path, out: Path) -> None:
    """MedadError unless ``out`` may be replaced: absent, empty, or a site of this command."""
    if root.resolve().is_relative_to(out.resolve()):
        raise MedadError(f"--out {out}: the project lies in it; give a folder of its own")
    if not out.exists() or _marked(out):
        return
    if not out.is_dir() or any(out.iterdir()):
        raise MedadError(f"--out {out}: exists and is no site of `medad page`; give another folder")


def _write(root: Path, site: Path, report: Report) -> dict[str, int]:
    material = Material(root)
    tables = material.tables()
    if not tables:
        raise MedadError("no table in results/tables; make one with `snakemake --cores 2`")
    for name in ASSETS:
        write_bytes(site / name, files("medad.site").joinpath(name).read_bytes())
    album = Album(material, Gallery(root, site))
    wanted = [(table, name) for table in tables for name in table.entries]
    for done, (table, name) in enumerate(wanted, start=1):
        found = material.cell(table, name)
        album.register(found)
        _page(site, found.page, cell.page(album, table, found))
        report(done, len(wanted), f"{table.name} {name}")
    _page(site, index.PATH, index.page(album, tables))
    images = 0
    for path, html in image.pages(album):
        _page(site, path, html)
        images += 1
    # Last, since it links to the images that have a page.
    _page(site, leakage.PATH, leakage.page(album, tables))
    counts = {"tables": len(tables), "cells": len(wanted), "images": images}
    _mark(site, counts)
    return counts


def _page(site: Path, path: str, html: str) -> None:
    write_bytes(site / path, html.encode())


def _replace(out: Path, new: Path) -> None:
    old = out.with_name(f".{out.name}.old.{os.getpid()}")
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
