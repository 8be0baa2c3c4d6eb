"""The seal and the key of a manifest, told from its bytes: no parsing, no writing anew.

Canonical JSON has each name at the top alone at the start of a line, so that parts of it are cut
out as they are. Writing a manifest anew to compare it takes fifteen times as long as hashing it.
"""

from __future__ import annotations

import hashlib
import json
import re

from medad.files import canonical_json

_SEAL = re.compile(rb'\n "digest": "([0-9a-f]{64})",(?=\n)')
_KEY = re.compile(rb'\n "key": "([0-9a-f]{64})",\n')
_INPUT = re.compile(rb'\{\n   "path": "[^\n]*",\n   "sha256": ("[0-9a-f]{64}")\n  \}')
# Every name a manifest has, in the order of its lines, its digest apart.
_NAMES = (
    *("code", "determinism", "environment", "identity", "inputs", "key", "kind", "outputs"),
    *("params", "schema", "seeds", "threads"),
)
_STARTS = [f'\n "{name}": '.encode() for name in _NAMES]


def whole(content: bytes) -> bool:
    """Whether these are the bytes that were sealed, the digest among them included."""
    found = _SEAL.search(content)
    if found is None:
        return _whole_with_digest_last(content)
    body = hashlib.sha256(content[: found.start()])
    body.update(content[found.end() :])
    return body.hexdigest().encode() == found[1]


def key_of(content: bytes) -> bytes | None:
    """The 32 bytes of the key written in a manifest or record; None when there is none."""
    found = _KEY.search(content)
    return None if found is None else bytes.fromhex(found[1].decode())


def parts(content: bytes) -> dict[str, bytes] | None:
    """Name -> JSON of each part of a whole manifest; None when it is not written as one is."""
    seal = _SEAL.search(content)
    if seal is None or content.count(b'\n "') != len(_NAMES) + 1 or content[-3:] != b"\n}\n":
        return None
    body = content[: seal.start()] + content[seal.end() :]
    places = []
    at = 0
    for start in _STARTS:
        at = body.find(start, at)
        if at < 0:
            return None
        places.append(at)
    ends = [*(place - 1 for place in places[1:]), len(body) - 3]  # without the comma between
    return {
        name: body[place + len(start) : end]
        for name, start, place, end in zip(_NAMES, _STARTS, places, ends, strict=True)
    }


def key_of_parts(found: dict[str, bytes]) -> bytes:
    """What the key should be by the parts it covers, as ``manifest.key`` has it: 32 bytes."""
    covered = {**found, "inputs": _INPUT.sub(rb"\1", found["inputs"])}
    names = ("code", "environment", "identity", "inputs", "kind", "params", "threads")
    lines = b",".join(b'\n "%s": %s' % (name.encode(), covered[name]) for name in names)
    return hashlib.sha256(b"{%s\n}\n" % lines).digest()


def _whole_with_digest_last(content: bytes) -> bool:
    """The same for a value none of whose names comes after its digest."""
    try:
        value = json.loads(content)
        body = {name: item for name, item in value.items() if name != "digest"}
        digest = hashlib.sha256(canonical_json(body)).hexdigest()
        return content == canonical_json({**body, "digest": digest})
    except (ValueError, AttributeError):  # no JSON, NaN which is never written, or no object
        return False
