"""Text that is safe in HTML, whatever the names from data hold."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from medad.data import nifti
from medad.errors import MedadError
from medad.reporting.text import MINUS

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
SHORT = 12  # digits of a hash that are shown where the whole one does not fit


def visible(value: object) -> str:
    """Text in which every control, direction and unassigned character is spelled as ``⟨U+202E⟩``.

    A name that reverses its own end would otherwise be read as another name.
    """
    return "".join(
        f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in _HIDDEN else char
        for char in str(value)
    )


def esc(value: object) -> str:
    """Safe between tags and inside quoted attributes, of HTML and of SVG alike."""
    return html.escape(visible(value), quote=True)


def code(value: object) -> str:
    """A path, name or hash in a fixed-width face, isolated from the direction of its context."""
    return f"<code><bdi>{esc(value)}</bdi></code>"


def digest(value: str) -> str:
    """The first digits of a hash; the whole of it on hover."""
    return f'<code class="hash" title="{esc(value)}">{esc(value[:SHORT])}</code>'


def image_id(sha256: str, path: str) -> str:
    """File name of an image's page and pictures: its hash, and for a slice of a volume its z.

    MedadError for a hash that is none: names are made of it.
    """
    if not _SHA256.fullmatch(sha256):
        raise MedadError(f"{path}: {sha256!r} is not a sha256; run `medad verify`")
    parsed = nifti.parse(path)
    return sha256 if parsed is None else f"{sha256}-z{parsed[1]}"


def slug(*parts: str) -> str:
    """A short file name for any texts: readable letters, then a digest that keeps it unique."""
    letters = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60]
    unique = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{letters}-{unique}"


def number(value: float, digits: int = 4) -> str:
    """Significant digits, without zeros at the end, and a true minus sign."""
    return f"{value:.{digits}g}".replace("-", MINUS)


def score(value: float) -> str:
    """Four significant digits, zeros and all, so that scores below each other align."""
    return f"{value:#.4g}".replace("-", MINUS)


def size(count: int) -> str:
    """Bytes for a reader."""
    if count < 1 << 10:
        return f"{count} bytes"
    unit, name = (1 << 20, "MiB") if count >= 1 << 20 else (1 << 10, "KiB")
    return f"{count / unit:.1f} {name} ({count:,} bytes)"


def plural(count: int, noun: str) -> str:
    """ "1 draw", "2 draws"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def column_name(shots: str) -> str:
    """Heading of a table's column: "K = 4", or "mean over K"."""
    return "mean over K" if shots == "all" else f"K = {shots}"
