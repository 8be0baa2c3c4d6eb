"""The seal and the key of a manifest, told from its bytes: no parsing, no writing anew.

Canonical JSON has each name at the top alone at the start of a line, so that parts of it are cut
out as they are. Writing a manifest anew to compare it takes many times as long as hashing it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from medad.files import canonical_json

_SEAL = b'\n "digest": "'
_KEY = b'\n "key": "'
_HEX = re.compile(rb'([0-9a-f]{64})",\n')
_INPUT = re.compile(rb'\{\n   "path": "[^\n]*",\n   "sha256": ("[0-9a-f]{64}")\n  \}')
# Every name a manifest has, in the order of its lines, its digest apart.
_NAMES = (
    *("code", "determinism", "environment", "identity", "inputs", "key", "kind", "outputs"),
    *("params", "schema", "seeds", "threads"),
)
_STARTS = [f'\n "{name}": '.encode() for name in _NAMES]


def digest(content: bytes) -> bytes | None:
    """The digest, 32 bytes, if these are the bytes that were sealed with it; else None."""
    start = content.find(_SEAL)
    found = _HEX.match(content, start + len(_SEAL)) if start >= 0 else None
    if found is None:
        return _digest_at_the_end(content)
    body = hashlib.sha256(content[:start])
    body.update(content[found.end() - 1 :])
    known = body.digest()
    return known if known.hex().encode() == found[1] else None


def key_of(content: bytes) -> bytes | None:
    """The 32 bytes of the key written in a manifest or record; None when there is none."""
    start = content.find(_KEY)
    found = _HEX.match(content, start + len(_KEY)) if start >= 0 else None
    return None if found is None else bytes.fromhex(found[1].decode())


@dataclass(frozen=True)
class Told:
    """A manifest cut up: ``key`` is what its key should be by the parts the key covers, as
    ``manifest.key`` has it; ``text`` is JSON of its identity, inputs, key, kind and outputs."""

    key: bytes
    text: str


def told(content: bytes) -> Told | None:
    """What a sealed manifest tells; None when it is not written as manifests are.

    Names cannot come twice: there are as many as there should be, in their order.
    """
    if content.count(b'\n "') != len(_NAMES) + 1 or not content.endswith(b"\n}\n"):
        return None
    at = [0]
    for start in _STARTS:
        place = content.find(start, at[-1])
        if place < 0:
            return None
        at.append(place)
    code, determinism, environment, identity, inputs, key, kind, outputs, params, schema = at[1:11]
    lines = b"".join(
        (
            content[code:determinism],
            content[environment:inputs],
            _INPUT.sub(_sha256, content[inputs:key]),
            content[kind:outputs],
            content[params:schema],
            content[at[12] :],
        )
    )
    text = b"{%s}" % content[identity : params - 1]  # without the comma between
    return Told(hashlib.sha256(b"{" + lines).digest(), text.decode())


def _sha256(found: re.Match[bytes]) -> bytes:
    return found[1]


def _digest_at_the_end(content: bytes) -> bytes | None:
    """The same for a value none of whose names comes after its digest."""
    try:
        value = json.loads(content)
        body = {name: item for name, item in value.items() if name != "digest"}
        known = hashlib.sha256(canonical_json(body)).digest()
        same = content == canonical_json({**body, "digest": known.hex()})
    except (ValueError, AttributeError, RecursionError):  # no JSON, NaN, or no object
        return None
    return known if same else None
