"""What a file below results/ has to be before it is published or taken over."""

from __future__ import annotations

from dataclasses import dataclass

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, canonical_json
from medad.lineage import manifest, rehash, sealed

_LONGEST = 1000  # characters of a path; no file system of ours takes more


@dataclass(frozen=True)
class Step:
    """A manifest that is its step's own; ``outputs`` maps a path to its content."""

    path: str
    kind: str
    identity: layout.Identity
    key: str
    outputs: dict[str, Digest]


def step(content: bytes, path: str, name: str) -> Step:
    """The step of the manifest at ``path``, of which ``name`` is what an error calls it.

    MedadError unless it is, byte by byte, what medad writes there and its key is that of its own
    content. A manifest may be anyone's; what is returned leads to no other step's files.
    """
    found = manifest.of_step(content, path, name)
    kind, identity = layout.parse_manifest(path)
    try:
        own = canonical_json(found) == content and manifest.consistent(found)
    except (ValueError, RecursionError):  # NaN, half a character, or too deep
        own = False
    if not own or layout.manifest(kind, identity) != path:
        raise MedadError(
            f"{name}: refused: not the manifest that medad writes for its key and path; "
            "restore or delete it"
        )
    outputs = {
        item["path"]: Digest(item["sha256"], item["md5"], item["size"])
        for item in found["outputs"].values()
    }
    return Step(path, kind, identity, found["key"], outputs)


def is_whole_record(content: bytes, path: str) -> bool:
    """Whether this is, as it was written, a record of the step whose key is in its path."""
    return (
        rehash.is_record(path)
        and sealed.digest(content) is not None
        and sealed.key_of(content) == bytes.fromhex(path.split("/")[-2])
    )


def output(path: str) -> tuple[str, str] | None:
    """Kind of the step and name of the output that lies at ``path``, "" for its manifest; None for
    a path that is no step's."""
    made = layout.parse(path) if len(path) <= _LONGEST else None
    if made is None:
        return None
    kind, stem = made[0], layout.stem(*made)  # "k02" is parsed, but written by nobody
    suffixes = {**layout.SUFFIXES[kind], "": layout.MANIFEST}
    return next(((kind, name) for name, end in suffixes.items() if stem + end == path), None)


def refusal(wrong: list[str], reason: str) -> MedadError:
    """The error for these paths, of which the first five are named."""
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return MedadError(f"{reason}: {', '.join(wrong[:5])}{more}")
