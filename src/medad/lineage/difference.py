"""Where two versions of an artifact first differ, in the terms of its format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from medad.files import read_npz, read_parquet

_ABSENT = "nothing"


def first(recorded: Path, recomputed: Path, name: str) -> str | None:
    """The first differing field of two files of the artifact ``name``, as "field: old, now new".

    None for a format that is not looked into, or when only the encoding differs. Both files must be
    what their name says: hashes vouch for the one, a step has just written the other.
    """
    suffixes = "".join(Path(name).suffixes[-2:])
    for suffix, compare in _FORMATS.items():
        if suffixes.endswith(suffix):
            return compare(recorded, recomputed)
    return None


def _json(old: Path, new: Path) -> str | None:
    return _value("", json.loads(old.read_bytes()), json.loads(new.read_bytes()))


def _lines(old: Path, new: Path) -> str | None:
    return _value("lines", *([json.loads(line) for line in _texts(file)] for file in (old, new)))


def _texts(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _value(where: str, old: Any, new: Any) -> str | None:
    """Walk two JSON values together, in the order of sorted keys."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            place = f"{where}.{key}" if where else str(key)
            found = (
                _value(place, old[key], new[key])
                if key in old and key in new
                else _said(place, old.get(key, _ABSENT), new.get(key, _ABSENT))
            )
            if found:
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for position, (one, other) in enumerate(zip(old, new, strict=False)):
            found = _value(f"{where}[{position}]", one, other)
            if found:
                return found
        same = len(old) == len(new)
        return None if same else _said(f"length of {where or 'the list'}", len(old), len(new))
    # 1 and 1.0 and true are equal in Python and are other bytes.
    same = type(old) is type(new) and old == new
    return None if same else _said(where or "the value", old, new)


def _csv(old: Path, new: Path) -> str | None:
    rows, others = _rows(old), _rows(new)
    header = rows[0] if rows else []
    for number, (row, other) in enumerate(zip(rows, others, strict=False)):
        for column, (a, b) in enumerate(zip_longest(row, other, fillvalue=_ABSENT)):
            if a != b:
                name = header[column] if column < len(header) else f"column {column + 1}"
                return _said(f"row {number}, {name}" if number else "header", a, b)
    return None if len(rows) == len(others) else _said("rows", len(rows) - 1, len(others) - 1)


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def _parquet(old: Path, new: Path) -> str | None:
    columns, others = read_parquet(old), read_parquet(new)
    if list(columns) != list(others):
        return _said("columns", ",".join(columns), ",".join(others))
    lengths = [max((len(column) for column in t.values()), default=0) for t in (columns, others)]
    for row in range(min(lengths)):
        for name, column in columns.items():
            a, b = column[row], others[name][row]
            if a != b and not (_is_nan(a) and _is_nan(b)):
                of = f" ({columns['path'][row]})" if "path" in columns else ""
                return _said(f"row {row + 1}{of}, {name}", a, b)
    return None if lengths[0] == lengths[1] else _said("rows", *lengths)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _npz(old: Path, new: Path) -> str | None:
    return _arrays(read_npz(old), read_npz(new))


def _safetensors(old: Path, new: Path) -> str | None:
    from safetensors.numpy import load_file

    return _arrays(load_file(old), load_file(new))


def _arrays(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    import numpy as np

    if sorted(old) != sorted(new):
        return _said("arrays", ",".join(sorted(old)), ",".join(sorted(new)))
    for name in sorted(old):
        a, b = old[name], new[name]
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return _said(name, f"{a.dtype} {a.shape}", f"{b.dtype} {b.shape}")
        floating = np.issubdtype(a.dtype, np.floating)
        wrong = (a != b) & ~((a != a) & (b != b)) if floating else a != b
        if wrong.any():
            at = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), a.shape))
            count = f" ({int(wrong.sum())} of {a.size} differ)"
            return _said(f"{name}{list(at)}", a[at].item(), b[at].item()) + count
    return None


def _said(where: str, old: Any, new: Any) -> str:
    return f"{where}: {_short(old)}, now {_short(new)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= 80 else f"{text[:77]}..."


_FORMATS: dict[str, Callable[[Path, Path], str | None]] = {
    ".jsonl": _lines,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".npz": _npz,
    ".safetensors": _safetensors,
}
