"""A clean worktree: the sources that made a result, an empty store and no results."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from medad.errors import MedadError
from medad.files import canonical_json, sha256, write_bytes
from medad.lineage.environment import WATCHED

PRESENT = "present"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAMED = 5  # modules that an error names


@dataclass(frozen=True)
class Sources:
    """A folder that holds ``src/medad``; ``name`` is its commit, or ``present``."""

    name: str
    folder: Path


@dataclass
class Worktree:
    """Folders below ``base``, which is new: ``project`` to compute in, ``sources`` to import from.

    The project at ``root`` is only read.
    """

    root: Path
    base: Path
    _exported: dict[str, Path | None] = field(default_factory=dict)
    _chosen: dict[bytes, Sources] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """Where steps run; it starts without results."""
        return self.base / "project"

    def begin(self) -> None:
        """An empty store of its own, whatever cache the user's configuration of DVC names."""
        write_bytes(self.project / ".dvc" / "config.local", b"[cache]\n    dir = cache\n")

    def sources(self, code: Mapping[str, str], commits: Sequence[str]) -> Sources:
        """The first of ``commits``, else the present files, whose modules are those of ``code``.

        ``code``: package-relative file -> sha256. Raises MedadError naming the modules that differ.
        """
        known = canonical_json([dict(code), list(commits)])
        if known not in self._chosen:
            self._chosen[known] = self._find(code, commits)
        return self._chosen[known]

    def fill(self, sources: Sources) -> None:
        """The project's own files, so that a kept worktree can be looked at by `medad`."""
        shutil.copytree(sources.folder, self.project, dirs_exist_ok=True)

    def _find(self, code: Mapping[str, str], commits: Sequence[str]) -> Sources:
        faults = []
        for name in (*commits, PRESENT):
            folder = self._export(name)
            if folder is None:
                faults.append(f"commit {name[:12]} is not in this repository")
                continue
            wrong = _differing(folder, code)
            if not wrong:
                return Sources(name, folder)
            place = "the present src/medad" if name == PRESENT else f"commit {name[:12]}"
            more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
            faults.append(f"{place} has other versions of {', '.join(wrong[:_NAMED])}{more}")
        raise MedadError(
            f"no sources with the recorded modules: {'; '.join(faults)}; fetch or check out the "
            "commit that computed it"
        )

    def _export(self, name: str) -> Path | None:
        if name not in self._exported:
            folder = self.base / "sources" / name
            made = self._present(folder) if name == PRESENT else self._commit(name, folder)
            self._exported[name] = folder if made else None
        return self._exported[name]

    def _present(self, folder: Path) -> bool:
        for name in WATCHED:
            source = self.root / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.is_file():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / name)
        return True

    def _commit(self, commit: str, folder: Path) -> bool:
        """Unpack what results depend on at a commit; False when git does not have it."""
        if not _COMMIT.fullmatch(commit):
            return False
        held = self._git("ls-tree", "--name-only", commit)
        names = [name for name in WATCHED if name in (held or b"").decode().splitlines()]
        content = self._git("archive", "--format=zip", commit, "--", *names) if names else None
        if content is None:
            return False
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(folder)
        return True

    def _git(self, *arguments: str) -> bytes | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=self.root, capture_output=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout


def _differing(folder: Path, code: Mapping[str, str]) -> list[str]:
    package = folder / "src" / "medad"
    return sorted(
        name
        for name, known in code.items()
        if ".." in PurePosixPath(name).parts
        or not (package / name).is_file()
        or sha256(package / name) != known
    )
