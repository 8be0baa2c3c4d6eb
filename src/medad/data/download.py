"""A dataset's zip from the network to its folder: whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from medad.data.images import UNREADABLE
from medad.errors import MedadError

_BLOCK = 1 << 20
_TIMEOUT = 60  # seconds without a byte
_SCHEMES = ("http", "https")
_MOST = 64 << 30  # bytes that a zip may unpack to
Report = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Progress of nobody."""


def _unchecked(folder: Path) -> None:
    """Takes any folder."""


def get(
    url: str,
    place: Path,
    sha256: str | None = None,
    report: Report = _silent,
    check: Callable[[Path], object] = _unchecked,
) -> None:
    """Download the zip at ``url`` and unpack it as the folder ``place``, which must not be there.

    A folder that all files of the zip share is left out. ``sha256``: of the zip, when it is known.
    ``report(done, total)`` counts bytes; total is 0 when the server does not say. ``check`` is
    called with the folder before it is put in place, and raises what it finds. What is downloaded
    and unpacked lies beside ``place`` under names of its own until it is whole, and is removed on
    any error. Raises MedadError naming what failed.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise MedadError(f"{place}: already there; move it away to get it anew")
    if urlsplit(url).scheme not in _SCHEMES:
        raise MedadError(f"{url}: got no web address; allowed: http:// and https://")
    place.parent.mkdir(parents=True, exist_ok=True)
    archive = place.parent / f".{place.name}.{os.getpid()}.zip"
    folder = place.parent / f".{place.name}.{os.getpid()}"
    try:
        _fetch(url, archive, sha256, report)
        unpack(archive, folder, url)
        check(folder)
        if place.exists():
            place.rmdir()
        folder.rename(place)
    finally:
        archive.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(url: str, target: Path, sha256: str | None, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    try:
        with urlopen(Request(url, headers={"User-Agent": "medad"}), timeout=_TIMEOUT) as answer:
            if urlsplit(answer.url).scheme not in _SCHEMES:
                raise MedadError(f"{url}: leads to {answer.url}; allowed: http:// and https://")
            length = answer.headers.get("Content-Length") or ""
            total = int(length) if length.isdecimal() else 0
            with target.open("wb") as stream:
                while block := answer.read(_BLOCK):
                    stream.write(block)
                    digest.update(block)
                    done += len(block)
                    report(done, total)
    except HTTPError as error:
        raise MedadError(
            f"{url}: the server answers {error.code} ({error.reason}); check the address, or "
            "download the files by hand"
        ) from error
    except (OSError, HTTPException) as error:
        raise MedadError(
            f"{url}: cannot be downloaded ({error}); try again, or download the files by hand"
        ) from error
    if total and done < total:
        raise MedadError(f"{url}: broken off after {done} of {total} bytes; try again")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise MedadError(
            f"{url}: sha256 is {digest.hexdigest()}, expected {sha256}; the file there has changed"
        )


def unpack(archive: Path, folder: Path, name: str) -> None:
    """Files of a zip below ``folder``, without a folder that all of them share.

    What macOS adds (``__MACOSX``, ``.DS_Store``) is left out. MedadError, which calls it ``name``,
    for what is no zip, is damaged, or has a file that would lie outside ``folder``.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            files = [one for one in source.infolist() if not one.is_dir()]
            members = [one for one in files if not _litter(one.filename)]
            names = [_inside(one.filename, name) for one in members]
            if not names or sum(one.file_size for one in members) > _MOST:
                raise MedadError(f"{name}: an empty or absurdly large zip; check its source")
            tops = {path.parts[0] for path in names}
            shared = len(tops) == 1 and all(len(path.parts) > 1 for path in names)
            for member, path in zip(members, names, strict=True):
                target = folder.joinpath(*path.parts[1:] if shared else path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with source.open(member) as content, target.open("xb") as stream:
                    shutil.copyfileobj(content, stream, _BLOCK)
    except UNREADABLE as error:
        raise MedadError(
            f"{name}: not a zip that can be unpacked ({error}); check its source"
        ) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise MedadError(
            f"{name}: has two files of one name, or one that is a folder too; check its source"
        ) from error
    except OSError as error:
        raise MedadError(f"{name}: cannot be unpacked ({error})") from error


def _litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name == ".DS_Store"


def _inside(member: str, name: str) -> PurePosixPath:
    path, odd = PurePosixPath(member), "\\" in member or "\0" in member
    if path.is_absolute() or ".." in path.parts or odd or not path.parts:
        raise MedadError(f"{name}: holds {member!r}, outside its folder; check its source")
    return path
