"""Files prepared in a folder of their own, then put in their places together or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from medad.files import write_bytes


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """A new folder in ``folder`` to prepare files in, removed at the end.

    After an exception the folders that were made for it are removed, too. OSError where a folder
    cannot be made.
    """
    with ExitStack() as undo:
        _make(folder, undo)
        with TemporaryDirectory(prefix=".", dir=folder, ignore_cleanup_errors=True) as name:
            yield Path(name)
        undo.pop_all()


def place(moves: Iterable[tuple[Path, Path]], aside: Path) -> None:
    """Rename each source to its target; what a target replaces is moved into the folder ``aside``.

    OSError where one cannot be placed; then all is again as it was before.
    """
    with ExitStack() as undo:
        for number, (source, target) in enumerate(moves):
            _make(target.parent, undo)
            if os.path.lexists(target):
                kept = aside / str(number)
                _rename(target, kept)
                undo.callback(_rename, kept, target)
            _rename(source, target)
            undo.callback(_rename, target, source)
        undo.pop_all()


def _make(folder: Path, undo: ExitStack) -> None:
    """A folder and its parents, each removed again by ``undo`` if it is empty then."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        undo.callback(_remove, one)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _rename(source: Path, target: Path) -> None:
    """Also to another file system: results/ may be a link to one."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        write_bytes(target, source.read_bytes())
        source.unlink()
