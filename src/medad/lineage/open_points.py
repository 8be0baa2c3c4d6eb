"""What papers leave open, from the tables of docs/readings.md: one row a point, with its keys."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PAGE = "docs/readings.md"
_COLUMNS = ("open point", "key")  # a table with other first columns is not one of readings


@dataclass(frozen=True)
class Point:
    """``names`` are full keys, or the last parts of keys of the methods that ``heading`` names."""

    heading: str
    text: str
    names: tuple[str, ...]

    def closed_by(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys of params.yaml that close this point.

        Short names mean the sections that have most of them: `grid` beside `elastic` is that of
        the synthesis, not that of stage 1.
        """
        full, short = [], defaultdict(list)
        for key in keys:
            part, section, name, *_ = (*key.split("."), "", "")
            if any(key == own or key.startswith(f"{own}.") for own in self.names):
                full.append(key)
            elif name in self.names and self._is_of(section):
                short[part, section].append((name, key))
        counts = {place: len({name for name, _ in found}) for place, found in short.items()}
        most = max(counts.values(), default=0)
        places = [found for place, found in short.items() if counts[place] == most]
        return full + [key for found in places for _, key in found]

    def _is_of(self, section: str) -> bool:
        """Whether the heading names a section; a row about one of several methods says so."""
        words = [word for word in map(_plain, self.heading.split()) if word in _plain(self.text)]
        name = _plain(section)
        return bool(name) and name in (" ".join(words) or _plain(self.heading))


def points(text: str) -> list[Point]:
    """Rows of the tables of readings of a Markdown page, in order."""
    heading, inside, found = "", False, []
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
            continue
        row = [part.strip() for part in line.strip("| ").split("|")]
        if tuple(row[:2]) == _COLUMNS:
            inside = True
        elif inside and len(row) > 1 and set(row[0]) != {"-"}:
            found.append(Point(heading, row[0], tuple(re.findall(r"`([\w.*]+)`", row[1]))))
    return found


def closed(known: Sequence[Point], keys: Iterable[str]) -> dict[str, str]:
    """Key -> the first open point that it closes; nothing for keys that close none."""
    every = list(keys)
    found: dict[str, str] = {}
    for point in known:
        for key in point.closed_by(every):
            found.setdefault(key, point.text)
    return found


def _plain(text: str) -> str:
    """Letters and digits alone: "f-AnoGAN" is fanogan."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
