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
    kind, identity = made
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
    for item in old["outputs"].values():
        if not (plan.root / item["path"]).is_file():
            reasons.append(f"{item['path']}: missing")
        elif sha256(plan.root / item["path"]) != item["sha256"]:
            reasons.append(f"{item['path']}: changed since it was made")
    wanted = layout.inputs(kind, identity, half["params"])
    for name, item in old["inputs"].items():
        if wanted.get(name) != item["path"]:
            reasons.append(f"input {name}: {item['path']} -> {wanted.get(name)}")
        elif not (plan.root / item["path"]).is_file():
            reasons.append(f"input {item['path']}: missing")
        elif sha256(plan.root / item["path"]) != item["sha256"]:
            reasons.append(f"input {item['path']}: changed since it was read")
        else:
            reasons += _above(plan, item["path"])
    return reasons


def _above(plan: Plan, path: str) -> list[str]:
    made = layout.parse(path)
    if made is None:
        return []
    return [f"{path}: {reason}" for reason in why(plan, path)]


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
