"""Why a file would be made again, or would not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import sha256
from medad.lineage import manifest
from medad.plan import Plan


def why(plan: Plan, path: str) -> list[str]:
    """Reasons, in words; empty when the file is what the configuration asks for."""
    made = layout.parse(path)
    if made is None:
        raise MedadError(f"{path}: not an artifact of medad (they lie in results/)")
    return _step(plan, *made) + _files(plan, *made)


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


def _step(plan: Plan, kind: str, identity: layout.Identity) -> list[str]:
    """Why the key of a step would be another one now."""
    target = plan.root / layout.manifest(kind, identity)
    if not target.is_file():
        return ["it has never been made"]
    old = manifest.read(target)
    reasons = []
    try:
        half = asdict(plan.half(kind, identity))
    except (KeyError, MedadError):
        return ["the configuration no longer asks for it; `medad prune` would remove it"]
    for part in ("params", "code", "environment"):
        reasons += _differences(part, old[part], half[part])
    if old["threads"] != half["threads"]:
        reasons.append(f"threads: {old['threads']} -> {half['threads']}")
    wanted = layout.inputs(kind, identity, half["params"])
    for name, item in old["inputs"].items():
        if wanted.get(name) != item["path"]:
            now = wanted.get(name, "no longer read with this configuration (--config?)")
            reasons.append(f"input {name}: {item['path']} -> {now}")
        else:
            reasons += _input(plan, item)
    return reasons


def _input(plan: Plan, item: dict[str, Any]) -> list[str]:
    """What is new about an input. It may be missing: its manifest says what it was."""
    path = item["path"]
    made = layout.parse(path)
    if made is None:
        same = not (plan.root / path).is_file() or sha256(plan.root / path) == item["sha256"]
        return [] if same else [f"input {path}: changed since it was read"]
    reasons = [f"{path}: {reason}" for reason in _step(plan, *made)]
    maker = plan.root / layout.manifest(*made)
    if maker.is_file():
        outputs = manifest.read(maker)["outputs"].values()
        if (path, item["sha256"]) not in {(o["path"], o["sha256"]) for o in outputs}:
            reasons.append(f"input {path}: made again since it was read")
    return reasons


def _differences(part: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    names = sorted(set(old) | set(new))
    return [
        f"{part}.{name}: {_short(old.get(name))} -> {_short(new.get(name))}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
