"""Outputs by content, kept in DVC's own cache, found by the key of the step that made them.

No second copy of anything: `dvc pull` fills the store, `dvc gc` costs at most a miss.
"""

from __future__ import annotations

import configparser
import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import Digest, digest, write_json
from medad.lineage import manifest as manifests

_FICLONE = 0x40049409


def copy(source: Path, target: Path) -> None:
    """Reflink where the file system can, else copy; never a hard link to the store."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            fcntl.ioctl(writer, _FICLONE, reader.fileno())
        except OSError:
            shutil.copyfileobj(reader, writer, 1 << 20)


class Store:
    """Outputs of steps below a project's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = root / ".prov" / "index"
        self.temporary = root / ".prov" / "tmp"
        self.objects = cache_folder(root) / "files" / "md5"

    def entry(self, key: str) -> Path:
        """Where the manifest of a stored step is kept."""
        return self.index / f"{key}.json"

    def blob(self, md5: str) -> Path:
        """Where DVC keeps the content with this md5."""
        return self.objects / md5[:2] / md5[2:]

    def put(self, path: Path, content: Digest) -> None:
        """Keep a copy of a file's content under its digest."""
        blob = self.blob(content.md5)
        if blob.exists() and blob.stat().st_size == content.size:
            return
        blob.parent.mkdir(parents=True, exist_ok=True)
        part = blob.with_name(f"{blob.name}.{os.getpid()}")
        try:
            copy(path, part)
            part.chmod(0o444)
            part.replace(blob)
        finally:
            part.unlink(missing_ok=True)

    def remember(self, manifest: Mapping[str, Any]) -> None:
        """Make a finished step findable by its key."""
        write_json(self.entry(manifest["key"]), dict(manifest))

    def fetch(self, key: str, folder: Path) -> dict[str, Any] | None:
        """Outputs of a known step as files ``folder/<name>``; None when anything is missing.

        Content is verified as it is copied: a damaged object is removed, which makes it a miss.
        """
        try:
            manifest = manifests.read(self.entry(key))
        except MedadError:
            self.entry(key).unlink(missing_ok=True)
            return None
        for name, item in manifest["outputs"].items():
            blob, target = self.blob(item["md5"]), folder / name
            if not blob.exists():
                return None
            copy(blob, target)
            if digest(target).sha256 != item["sha256"]:
                blob.unlink(missing_ok=True)
                return None
        return manifest


def cache_folder(root: Path) -> Path:
    """DVC's cache: `cache.dir` of its local, project, user or system configuration."""
    user = Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser()
    for file in (
        root / ".dvc" / "config.local",
        root / ".dvc" / "config",
        user / "dvc" / "config",
        Path("/etc/xdg/dvc/config"),
    ):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            # DVC indents its keys, which this parser would read as continued lines.
            text = "\n".join(line.strip() for line in file.read_text(encoding="utf-8").splitlines())
            parser.read_string(text)
        except (FileNotFoundError, PermissionError):
            continue
        folder = parser.get("cache", "dir", fallback=None)
        if folder:
            path = Path(folder.strip("'\"")).expanduser()
            return path if path.is_absolute() else (file.parent / path).resolve()
    return root / ".dvc" / "cache"
