"""What DVC's lock files name: those here, those of branches and tags, and those of the past."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_json

LOCK = "dvc.lock"
FOLDER = ".dir"  # ends the name of an object that lists the files of a folder
_OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")


def named_now(root: Path) -> set[str]:
    """Objects of every lock file here and at the tip of every branch and tag; as `named_ever`."""
    found = set[str]()
    for path in _files(root):
        found |= objects(path.read_bytes(), path.relative_to(root).as_posix())
    if _inside_git(root):
        for content in _contents(root, _tips(root)):
            found |= objects(content, f"a {LOCK} or .dvc file of a branch or tag")
    return found


def named_ever(root: Path) -> set[str]:
    """Objects of every lock file of every commit; none outside of git.

    MedadError for one that cannot be read: what it rests on would not be known.
    """
    if not _inside_git(root):
        return set()
    found = set[str]()
    for content in _contents(root, _past(root)):
        found |= objects(content, f"a {LOCK} or .dvc file of a past commit")
    return found


def objects(content: bytes, name: str) -> set[str]:
    """Every object that a lock file names, folders as they are named: `<md5>.dir`."""
    import yaml

    try:
        return set(_named(yaml.safe_load(content)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise MedadError(
            f"{name}: not valid YAML ({reason}); restore it, then try again"
        ) from error


def with_members(cache: Path, named: Iterable[str]) -> set[str]:
    """Objects, and the files that folders among them list, as far as the lists are in the cache.

    MedadError for a damaged list.
    """
    found = set(named)
    for name in sorted(found):
        path = cache / name[:2] / name[2:]
        if name.endswith(FOLDER) and path.is_file():
            found |= set(_named(read_json(path)))
    return found


def _named(value: Any) -> Iterator[str]:
    """Every md5 below a parsed YAML or JSON value, whatever it is of."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "md5" and isinstance(item, str) and _OBJECT.fullmatch(item):
                yield item
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if _locks(name))


def _locks(name: str) -> bool:
    """Whether a file of this name is a lock file; `.dvc` alone is DVC's own folder."""
    return name == LOCK or (name.endswith(".dvc") and name != ".dvc")


def _inside_git(root: Path) -> bool:
    """Whether the project is in git. MedadError where git does not say: branches would be lost."""
    try:
        _git(root, "rev-parse", "--is-inside-work-tree")
    except (MedadError, FileNotFoundError) as error:
        if any((folder / ".git").exists() for folder in (root, *root.parents)):
            raise MedadError(f"{root}: git cannot read its repository ({error})") from error
        return False
    return True


def _tips(root: Path) -> set[str]:
    """Git's ids of the lock files at every ref and at HEAD."""
    refs = _git(root, "for-each-ref", "--format=%(refname)").decode().split()
    found = set()
    for ref in ("HEAD", *refs):
        # A HEAD without a commit, or a tag of something else than a commit, has no files.
        for line in _git(root, "ls-tree", "-r", "-z", ref, check=False).split(b"\0"):
            about, _, path = line.partition(b"\t")
            if about.startswith(b"100") and _locks(os.fsdecode(path).rpartition("/")[2]):
                found.add(about.split()[2].decode())
    return found


def _past(root: Path) -> set[str]:
    """Git's ids of every version of a lock file in any commit that a ref leads to."""
    command = ("log", "--all", "-m", "--format=", "--raw", "--no-abbrev", "--no-renames")
    text = _git(root, *command, "--", f"*{LOCK}", "*.dvc")
    changes = [line.split() for line in text.splitlines() if line.startswith(b":")]
    return {change[3].decode() for change in changes if change[1].startswith(b"100")}


def _contents(root: Path, ids: Iterable[str]) -> Iterator[bytes]:
    for name in sorted(ids):
        yield _git(root, "cat-file", "blob", name)


def _git(root: Path, *arguments: str, check: bool = True) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True)
    if done.returncode and check:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise MedadError(f"git {arguments[0]}: {said[0] if said else 'failed'}")
    return b"" if done.returncode else done.stdout
