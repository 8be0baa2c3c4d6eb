"""Why a file would be made again, or would not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import sha256
from medad.lineage import manifest
from medad.plan import Plan

_LONG, _BEFORE = 60, 20  # characters shown of a value, and of what both sides begin with


def why(plan: Plan, path: str) -> list[str]:
    """Reasons, in words, each once; empty when the file is what the configuration asks for.

    MedadError for what is no result, or is neither here nor what the configuration can make.
    """
    made = layout.parse(path)
    if made is None:
        raise MedadError(f"{path}: not an artifact of medad (they lie in results/)")
    if not (plan.root / layout.manifest(*made)).is_file():
        try:
            plan.half(*made)
        except (KeyError, MedadError) as error:
            raise MedadError(f"{path}: not made by this configuration: {error}") from error
    causes = _Causes(plan)
    causes.step(path, *made)
    return causes.lines(path) + _files(plan, *made)


def _files(plan: Plan, kind: str, identity: layout.Identity) -> list[str]:
    """What is wrong with the outputs of a step."""
    target = plan.root / layout.manifest(kind, identity)
    found = []
    for item in manifest.read(target)["outputs"].values() if target.is_file() else ():
        if not (plan.root / item["path"]).is_file():
            found.append(f"{item['path']}: missing")
        elif sha256(plan.root / item["path"]) != item["sha256"]:
            found.append(f"{item['path']}: changed since it was made; if deleted, it is restored")
    return found


class _Causes:
    """Reason to the results it holds for, found from one result upwards, every step once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.found: dict[str, list[str]] = {}
        self.seen: set[str] = set()

    def lines(self, asked: str) -> list[str]:
        """The reasons, those for the result that was asked about without its name."""
        told = []
        for reason, paths in self.found.items():
            others = [path for path in paths if path != asked]
            told += [reason] if len(others) < len(paths) else []
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            told += [f"{others[0]}{more}: {reason}"] if others else []
        return told

    def step(self, path: str, kind: str, identity: layout.Identity) -> None:
        """Why the key of a step, of which ``path`` is an output, would be another one now."""
        target = layout.manifest(kind, identity)
        if target in self.seen:
            return
        self.seen.add(target)
        for reason in self._reasons(self.plan.root / target, kind, identity):
            self.found.setdefault(reason, []).append(path)

    def _reasons(self, target: Path, kind: str, identity: layout.Identity) -> Iterator[str]:
        if not target.is_file():
            yield "it has never been made"
            return
        old = manifest.read(target)
        try:
            half = asdict(self.plan.half(kind, identity))
        except (KeyError, MedadError) as error:
            yield f"not made by this configuration: {error}"
            return
        for part in ("params", "code", "environment"):
            yield from _differences(part, old[part], half[part])
        if old["threads"] != half["threads"]:
            yield f"threads: {old['threads']} -> {half['threads']}"
        wanted = layout.inputs(kind, identity, half["params"])
        for name, item in old["inputs"].items():
            if wanted.get(name) != item["path"]:
                now = wanted.get(name, "no longer read with this configuration (--config?)")
                yield f"input {name}: {item['path']} -> {now}"
            else:
                yield from self._input(item)

    def _input(self, item: dict[str, Any]) -> Iterator[str]:
        """What is new about an input. It may be missing: its manifest says what it was."""
        root, path = self.plan.root, item["path"]
        made = layout.parse(path)
        if made is None:
            if (root / path).is_file() and sha256(root / path) != item["sha256"]:
                yield f"input {path}: changed since it was read"
            return
        self.step(path, *made)
        maker = root / layout.manifest(*made)
        if maker.is_file():
            outputs = manifest.read(maker)["outputs"].values()
            if (path, item["sha256"]) not in {(o["path"], o["sha256"]) for o in outputs}:
                yield f"input {path}: made again since it was read"


def _differences(part: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(f"{part}.{name}", before, after)
        else:
            yield f"{part}.{name}: {' -> '.join(_short(before, after))}"


def _short(*values: object) -> list[str]:
    """Texts of two values; of long ones what is about the first difference."""
    texts = ["absent" if value is None else str(value) for value in values]
    pairs = enumerate(zip(*texts, strict=False))
    begin = max(next((i for i, pair in pairs if len(set(pair)) > 1), 0) - _BEFORE, 0)
    return [
        text
        if len(text) <= _LONG
        else f"{'...' if begin else ''}{text[begin : begin + _LONG]}"
        f"{'...' if begin + _LONG < len(text) else ''}"
        for text in texts
    ]
