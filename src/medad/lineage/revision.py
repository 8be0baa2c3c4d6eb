"""Results as they were at a revision: git says which content, DVC's cache has it.

Nothing is checked out: the listings that `dvc.lock` names give every file's md5, and a file is
read from the cache when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from medad.errors import MedadError
from medad.lineage.places import inside
from medad.lineage.store import cache_folder

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_LOCK = "dvc.lock"


class Revision:
    """One commit of the project in ``root``; MedadError when git knows no such revision."""

    def __init__(self, root: Path, revision: str) -> None:
        self.root = root
        self.name = revision
        self.objects = cache_folder(root) / "files" / "md5"
        self.commit = _git(
            root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
        )
        if self.commit is None:
            raise MedadError(
                f"{revision}: neither a file, a folder nor a revision; give a path below results/, "
                "REVISION:PATH or FOLDER:PATH"
            )

    @cached_property
    def _files(self) -> dict[str, str]:
        """Path -> md5 of every result that DVC had at this revision."""
        found: dict[str, str] = {}
        for out in self._outs():
            path, md5 = str(out["path"]), str(out.get("md5", ""))
            if not inside(path):
                continue
            if not md5.endswith(".dir"):
                found[path] = md5
                continue
            for item in self._listing(path, md5):
                found[(PurePosixPath(path) / item["relpath"]).as_posix()] = item["md5"]
        return {path: md5 for path, md5 in found.items() if inside(path)}

    def _outs(self) -> list[dict[str, Any]]:
        text = _git(self.root, "show", f"{self.commit}:./{_LOCK}")
        if text is None:
            raise MedadError(
                f"{self.name}: no {_LOCK} at this revision, so its results were never committed; "
                "after a run: medad dvc commit, then git commit"
            )
        try:
            stages = yaml.safe_load(text)["stages"].values()
            return [out for stage in stages for out in stage.get("outs", [])]
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise MedadError(
                f"{self.name}: {_LOCK} is not DVC's ({type(error).__name__})"
            ) from error

    def _listing(self, path: str, md5: str) -> list[dict[str, str]]:
        try:
            rows = json.loads(self._object(path, md5))
            return [{"relpath": str(row["relpath"]), "md5": str(row["md5"])} for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise MedadError(
                f"{path} at {self.name}: DVC's listing is damaged; dvc fetch"
            ) from error

    def _object(self, path: str, md5: str) -> bytes:
        """Content from the cache, which must be what its name says."""
        if not _MD5.fullmatch(md5):
            raise MedadError(f"{path} at {self.name}: {_LOCK} gives no md5 for it")
        file = self.objects / md5[:2] / md5[2:]
        if not file.is_file():
            raise MedadError(
                f"{path} at {self.name}: DVC's cache does not have it; run `dvc fetch "
                "--all-commits` (or `dvc fetch` with that revision checked out)"
            )
        content = file.read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
            raise MedadError(f"{path} at {self.name}: damaged in DVC's cache; delete {md5}, fetch")
        return content

    def has(self, path: str) -> bool:
        return path in self._files

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise MedadError(f"{path}: not among the results that DVC had at {self.name}")
        return self._object(path, self._files[path])

    def under(self, folder: str) -> list[str]:
        return sorted(path for path in self._files if path.startswith(f"{folder}/"))


def _git(root: Path, *arguments: str) -> str | None:
    """What git says, or None when it refuses; the sentence that follows is the caller's."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise MedadError("git: not installed; a revision needs it") from error
    return done.stdout.strip() if done.returncode == 0 else None
