"""`medad cache status|gc`: what is kept and by what; `gc --apply` removes what nothing rests on."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import cache
from medad.lineage.cache import Item
from medad.lineage.locks import try_lock
from medad.lineage.session import RUN_LOCK
from medad.lineage.store import cache_folder

_DVC_LOCK = ".dvc/tmp/lock"
_MEANING = {
    "present": "results that are here rest on it",
    "committed": "dvc.lock or a .dvc file names it, here or at a branch or tag",
    "history": "no result rests on it, but it could be restored or resumed",
    "orphan": "nothing rests on it; `medad cache gc --apply` removes it",
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad cache", description=__doc__)
    parser.add_argument("action", choices=["status", "gc"])
    parser.add_argument("--apply", action="store_true", help="gc: remove, not only list")
    parser.add_argument("--history", action="store_true", help="gc: restorable history too")
    parser.add_argument("--shared", action="store_true", help="gc: though others may rest on it")
    options = parser.parse_args(arguments)
    root = project()
    if options.action == "status":
        if options.apply or options.history or options.shared:
            parser.error("status takes no options; they are those of gc")
        _status(root)
        return 0
    if cache.is_shared(root) and not options.shared:
        raise MedadError(
            f"cache.dir: got {cache_folder(root)}, outside this project, where other projects may "
            "rest on what none here does; give --shared if this one alone uses it"
        )
    with _alone(root):
        found = cache.removable(cache.items(root), history=options.history)
        for item in found:
            print(f"{item.what}: {_name(root, item.path)}  {item.bytes} bytes, {item.kept}")
        if options.apply:
            cache.remove(found)
    done = "removed" if options.apply else "(--apply removes them)"
    print(f"{len(found)} things of {_size(found)} {done}")
    return 0


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """While neither a run nor DVC adds to the cache; MedadError when one is active."""
    with ExitStack() as held:
        for path, who in ((RUN_LOCK, "a run"), (_DVC_LOCK, "DVC")):
            lock = try_lock(root / path)
            if lock is None:
                raise MedadError(f"{who} is active in this folder; collect when it has ended")
            held.enter_context(lock)
        yield


def _status(root: Path) -> None:
    found = cache.items(root)
    place = f"objects lie in {_name(root, cache_folder(root))}"
    shared = ", outside this project: what is an orphan here may be another project's"
    print(place + (shared if cache.is_shared(root) else ""))
    for kept in cache.KEPT:
        print(f"{kept}: {_MEANING[kept]}")
        for what in dict.fromkeys(item.what for item in found):
            chosen = [item for item in found if (item.what, item.kept) == (what, kept)]
            if chosen:
                print(f"    {what}: {len(chosen)}, {_size(chosen)}")


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _size(found: Iterable[Item]) -> str:
    return f"{sum(item.bytes for item in found) / 1e6:.3f} MB"
