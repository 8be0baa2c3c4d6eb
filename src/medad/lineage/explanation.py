"""First differences in words: merged over the steps that share them, and sorted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from medad.lineage.differences import Cause

# In the order in which a reader wants them: what was chosen, what went in, what ran, and where.
_ORDER = (
    *("identity", "selection", "seed", "parameter", "published"),
    *("image", "image label", "image place", "image mask", "file"),
    *("module", "threads", "library", "machine", "commit", "record", "unknown"),
)
_HASHED = ("image", "image mask", "file", "module")
_SHORT = 8  # characters of a hash
_KINDS = 6  # kinds of step that are named
_WIDTH = 60  # characters of a value


@dataclass(frozen=True)
class Explained:
    """One cause of several steps. ``steps``: their manifests in B; ``text``: one line."""

    sort: str
    what: str
    old: Any
    new: Any
    steps: tuple[str, ...]
    certain: bool
    text: str


def explain(causes: Iterable[Cause]) -> list[Explained]:
    """Causes merged, sorted, each with its line of text."""
    groups: dict[str, list[Cause]] = {}
    for cause in _named_by_value(list(causes)):
        name = json.dumps([cause.sort, cause.what, cause.old, cause.new], sort_keys=True)
        groups.setdefault(name, []).append(cause)
    found = [_merged(group) for group in groups.values()]
    return sorted(found, key=lambda one: (_ORDER.index(one.sort), one.text))


def _named_by_value(causes: list[Cause]) -> list[Cause]:
    """Without the names of pairs where the parameters behind the names are told."""
    if not any(one.step == "pairs" and one.sort in ("parameter", "module") for one in causes):
        return causes
    return [
        one
        for one in causes
        if one.sort != "parameter" or one.what.split(".")[0] not in ("synthesis", "synthesis_of")
    ]


def _merged(group: Sequence[Cause]) -> Explained:
    first = group[0]
    kinds = sorted({one.step for one in group if one.step})
    steps = tuple(sorted({one.manifest for one in group}))
    certain = any(one.certain for one in group)
    text = _text(first, kinds)
    if first.sort in ("seed", "parameter", "module", "threads", "library", "machine"):
        text += f" ({len(steps)} step{'s' if len(steps) > 1 else ''})"
    if first.sort == "unknown":
        more = f" and {len(steps) - 1} more" if len(steps) > 1 else ""
        text += f" ({steps[0]}{more})"
    if not certain:
        text += "; of steps whose keys differ too, so it may have had no part"
    return Explained(first.sort, first.what, first.old, first.new, steps, certain, text)


def _text(cause: Cause, kinds: Sequence[str]) -> str:
    what, change = cause.what, f"{_value(cause.old)} -> {_value(cause.new)}"
    if cause.sort == "unknown":
        return f"unknown: {what}"
    if cause.sort == "selection":
        there, value = ("B", cause.new) if cause.old is None else ("A", cause.old)
        return f"{what} {_value(value)}: only in {there}"
    if cause.sort in _HASHED:
        return f"{cause.sort} {what}: {_content(cause)}"
    if cause.sort == "parameter":
        name = f"{kinds[0]}.{what}" if len(kinds) == 1 else f"{what} of {_of(kinds)}"
        return f"parameter {name}: {change}"
    if cause.sort == "threads":
        return f"threads of {_of(kinds)}: {change}"
    if cause.sort == "published":
        return f"published value of {what}: {change}"
    if cause.sort in ("image label", "image place"):
        return f"image {what}: {'label' if cause.sort == 'image label' else 'moved'} {change}"
    return (
        f"{what}: {change}"
        if cause.sort in ("identity", "seed")
        else f"{cause.sort} {what}: {change}"
    )


def _of(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) if len(kinds) <= _KINDS else f"{len(kinds)} kinds of step"


def _content(cause: Cause) -> str:
    if cause.old is None or cause.new is None:
        return "only in B" if cause.old is None else "only in A"
    return f"content differs ({cause.old[:_SHORT]} -> {cause.new[:_SHORT]})"


def _value(value: Any) -> str:
    """A value on one line, short; a word stands for itself."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
