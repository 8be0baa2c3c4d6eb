"""The manifest of a step: deterministic, canonical, sealed by its own digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, canonical_json, read_json
from medad.lineage import sealed

SCHEMA = 1
SUFFIX = layout.MANIFEST
_FIELDS: dict[str, type] = {
    **dict.fromkeys(("code", "environment", "identity", "inputs", "outputs"), dict),
    **dict.fromkeys(("params", "seeds"), dict),
    **dict.fromkeys(("determinism", "key", "kind"), str),
    **dict.fromkeys(("schema", "threads"), int),
}


@dataclass(frozen=True)
class Half:
    """The half of a key that is no input: what a key file holds."""

    kind: str
    code: Mapping[str, str]
    params: Mapping[str, Any]
    threads: int
    environment: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Half:
        """From a key file."""
        return cls(**read_json(path))


def key(half: Half, identity: Mapping[str, str | int], inputs: Mapping[str, str]) -> str:
    """sha256 of everything a result depends on; ``inputs`` maps a name to a sha256."""
    value = {**asdict(half), "identity": dict(identity), "inputs": dict(inputs)}
    return hashlib.sha256(canonical_json(value)).hexdigest()


def seal(value: Mapping[str, Any]) -> dict[str, Any]:
    """``value`` with the digest of its canonical bytes under ``digest``."""
    body = {name: item for name, item in value.items() if name != "digest"}
    return {**body, "digest": hashlib.sha256(canonical_json(body)).hexdigest()}


def build(
    half: Half,
    identity: Mapping[str, str | int],
    inputs: Mapping[str, tuple[str, str]],
    outputs: Mapping[str, tuple[str, Digest]],
    seeds: Mapping[str, int],
) -> dict[str, Any]:
    """Manifest of one step; ``inputs`` holds (path, sha256), ``outputs`` (path, digest)."""
    return seal(
        {
            "schema": SCHEMA,
            **asdict(half),
            "identity": dict(identity),
            "key": key(half, identity, {name: digest for name, (_, digest) in inputs.items()}),
            "inputs": {n: {"path": path, "sha256": digest} for n, (path, digest) in inputs.items()},
            "outputs": {n: {"path": path, **asdict(d)} for n, (path, d) in outputs.items()},
            "seeds": dict(seeds),
            "determinism": "bitwise on the same hardware, library versions and threads",
        }
    )


def read(path: Path) -> dict[str, Any]:
    """A manifest or record whose bytes are exactly what its digest says; MedadError otherwise."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MedadError(f"{path}: no such file") from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> dict[str, Any]:
    """As ``read``, of bytes from wherever they lie; ``name`` is what an error calls them."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MedadError(f"{name}: not valid JSON ({error}); restore or delete it") from error
    if not isinstance(value, dict) or sealed.digest(content) is None:
        raise MedadError(f"{name}: changed since it was written (its digest does not match)")
    return value


def of_step(content: bytes, path: str, name: str) -> dict[str, Any]:
    """As ``parse``, of the manifest at ``path``: it must tell of the step of that path, and name no
    files but that step's own. MedadError otherwise, for a manifest may be anyone's.
    """
    value = parse(content, name)
    fault = _fault(value, path)
    if fault:
        raise MedadError(f"{name}: no manifest of this step ({fault}); restore or delete it")
    return value


def _fault(value: Mapping[str, Any], path: str) -> str:
    """What is not as ``build`` writes it; "" when all is."""
    for field, type_ in _FIELDS.items():
        if not isinstance(value.get(field), type_) or isinstance(value[field], bool):
            return f"its {field} is missing or of another type"
    kind, identity = layout.parse_manifest(path)
    if (value["kind"], value["identity"]) != (kind, identity):
        return "it is another step's"
    suffixes, stem = layout.SUFFIXES[kind], layout.stem(kind, identity)
    for name, item in value["outputs"].items():
        if not _is_content(item, {"md5": 32, "sha256": 64}) or not _is_count(item.get("size")):
            return f"its output {name} has no size and digests"
        if name not in suffixes or item["path"] != stem + suffixes[name]:
            return f"its output {name} is a file of another step"
    for name, item in value["inputs"].items():
        if not _is_content(item, {"sha256": 64}):
            return f"its input {name} has no path and digest"
    texts = [*value["code"].values(), *value["environment"].values()]
    if not all(isinstance(text, str) for text in texts):
        return "a version in it is no text"
    if not all(_is_count(seed) for seed in value["seeds"].values()):
        return "a seed in it is no number"
    return ""


def _is_content(item: Any, digests: Mapping[str, int]) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("path"), str)
        and all(
            isinstance(item.get(name), str) and re.fullmatch(f"[0-9a-f]{{{length}}}", item[name])
            for name, length in digests.items()
        )
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def consistent(manifest: Mapping[str, Any]) -> bool:
    """Whether the key is that of the code, parameters, inputs and threads written beside it."""
    half = Half(**{name: manifest[name] for name in Half.__dataclass_fields__})
    inputs = {name: item["sha256"] for name, item in manifest["inputs"].items()}
    return bool(manifest["key"] == key(half, manifest["identity"], inputs))


def beside(path: str) -> str | None:
    """The manifest of the step that makes ``path``; None for a file no step makes."""
    made = layout.parse(path)
    return None if made is None else layout.manifest(*made)
