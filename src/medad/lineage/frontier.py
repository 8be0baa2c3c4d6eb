"""The first differences of two results: two Merkle trees walked together towards their sources.

A branch ends where the bytes are equal, for then nothing above has any part in the difference. A
step counts by what it differs in itself; what its inputs bring is found where they were made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.layout import Identity
from medad.lineage import manifest as manifests
from medad.lineage import record
from medad.lineage.differences import Cause, own
from medad.lineage.image_changes import image_changes
from medad.lineage.places import Place

Step = tuple[str, dict[str, str | int]]  # kind and identity
Reads = Callable[[str], bool]  # which inputs of a step count, by their name
_ALL: Reads = lambda name: True  # noqa: E731


@dataclass
class Side:
    """One of the two results' places, every manifest read once."""

    letter: str
    place: Place
    _known: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def manifest(self, path: str) -> dict[str, Any] | None:
        """A step's manifest, None where it is missing; MedadError for a damaged one."""
        if path not in self._known:
            here = self.place.has(path)
            name = f"{path} in {self.place.name}"
            read = manifests.of_step
            self._known[path] = read(self.place.read(path), path, name) if here else None
        return self._known[path]

    def require_made(self, item: Mapping[str, Any]) -> None:
        """MedadError unless a file is the output that its manifest says, if it is here at all."""
        path = str(item["path"])
        if not self.place.has(path):
            return
        if hashlib.sha256(self.place.read(path)).hexdigest() != item["sha256"]:
            raise MedadError(
                f"{path} in {self.place.name}: changed since it was made, so its manifest does "
                "not explain it; see `medad verify`"
            )

    def records(self, key: str) -> list[dict[str, Any]]:
        """Records of one step, oldest first."""
        folder = f"{record.FOLDER}/{key[:2]}/{key}"
        paths = [path for path in self.place.under(folder) if path.endswith(".json")]
        return [manifests.parse(self.place.read(path), path) for path in paths]

    def circumstances(self, key: str) -> dict[tuple[str, str], str] | None:
        """Libraries and machine that last computed a step; None when no record says."""
        computed = [found for found in self.records(key) if found["action"] == "computed"]
        return circumstances(computed[-1]) if computed else None

    def up(self, path: str) -> Iterator[dict[str, Any]]:
        """The manifests of a step and of all that it rests on, as far as they are here."""
        pending, seen = [path], {path}
        while pending:
            found = self.manifest(pending.pop())
            if found is None:
                continue
            yield found
            for item in found["inputs"].values():
                made = layout.parse(item["path"])
                above = layout.manifest(*made) if made else path
                if above not in seen:
                    seen.add(above)
                    pending.append(above)


@dataclass
class Walk:
    """``causes`` found so far. ``to_the_end``: walk on above equal bytes, to say what else differs
    that changed none."""

    a: Side
    b: Side
    to_the_end: bool = False
    causes: list[Cause] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def visit(self, one: str, two: str, reads: Reads = _ALL) -> None:
        """Compare two steps by their manifests' paths, and what their inputs bring."""
        if (one, two) in self._seen:
            return
        self._seen.add((one, two))
        old, new = self.a.manifest(one), self.b.manifest(two)
        if old is None or new is None:
            side, path = (self.a, one) if old is None else (self.b, two)
            self._unknown(f"no manifest in {side.letter}", "", path)
            return
        same_bytes = _digests(old) == _digests(new)
        if old["key"] == new["key"]:
            if not same_bytes:
                self._by_circumstance(old, new, two)
            return
        self.causes += own(old, new, two)
        if not same_bytes:
            self.causes += self._circumstances(old, new, two, certain=False)
        self._follow(old, new, two, reads)

    def _follow(
        self, old: Mapping[str, Any], new: Mapping[str, Any], path: str, reads: Reads
    ) -> None:
        left = {name: item["path"] for name, item in old["inputs"].items() if reads(name)}
        right = {name: item["path"] for name, item in new["inputs"].items() if reads(name)}
        for before, after in paired(left, right):
            a, b = old["inputs"][before], new["inputs"][after]
            if a["sha256"] == b["sha256"] and not self.to_the_end:
                continue
            made, other = layout.parse(a["path"]), layout.parse(b["path"])
            if made is None or other is None:
                if new["kind"] == "index" and a["sha256"] != b["sha256"]:
                    self.causes += image_changes(self.a.place, self.b.place, old, new, path)
            # Of another kind of step only by a parameter of the reader, which is named; and the
            # images of two data sets are not compared one by one.
            elif made[0] == other[0] and not (made[0] == "index" and made[1] != other[1]):
                self._above(a, made, b, other, path)

    def _above(
        self, a: Mapping[str, Any], made: Step, b: Mapping[str, Any], other: Step, path: str
    ) -> None:
        """The steps that made an input, unless they have made another version of it since."""
        one, two = layout.manifest(*made), layout.manifest(*other)
        stale = [
            (side, item)
            for side, item, step in ((self.a, a, one), (self.b, b, two))
            if not _agrees(side.manifest(step), item)
        ]
        for side, item in stale:
            text = (
                f"made from another version of {item['path']} than is in {side.letter}; run again"
            )
            self._unknown(text, made[0], path)
        if not stale:
            self.visit(one, two)

    def _by_circumstance(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> None:
        """Equal keys gave other bytes: what only the records tell apart."""
        found = self._circumstances(old, new, path, certain=True)
        lost = [s for s in (self.a, self.b) if s.circumstances(str(old["key"])) is None]
        for side in lost:
            text = f"the same key gave other bytes, and {side.letter} has no record of where"
            self._unknown(text, str(old["kind"]), path)
        if not found and not lost:
            text = "the same key, libraries and machine gave other bytes: not deterministic"
            self._unknown(text, str(old["kind"]), path)
        self.causes += found

    def _circumstances(
        self, old: Mapping[str, Any], new: Mapping[str, Any], path: str, *, certain: bool
    ) -> list[Cause]:
        before = self.a.circumstances(str(old["key"]))
        after = self.b.circumstances(str(new["key"]))
        if before is None or after is None:
            return []
        return [
            Cause(
                sort,
                name,
                before.get((sort, name)),
                after.get((sort, name)),
                str(new["kind"]),
                path,
                certain,
            )
            for sort, name in sorted({*before, *after})
            if before.get((sort, name)) != after.get((sort, name))
        ]

    def _unknown(self, text: str, step: str, path: str) -> None:
        self.causes.append(Cause("unknown", text, None, None, step, path))


def circumstances(found: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """("library", name) or ("machine", part) -> value, of one record."""
    return {
        **{("library", name): str(value) for name, value in found["libraries"].items()},
        **{("machine", name): str(value) for name, value in found["machine"].items()},
        ("machine", "device"): str(found["device"]),
    }


def paired(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names of inputs (name -> path) that stand for each other.

    Those of the same name; and of the others those of the same kind and identity, once a field
    with one value in all of A's and another in all of B's (a split, say) is taken as the same.
    """
    found = [(name, name) for name in old if name in new]
    left, right = _identities(old), _identities(new)
    for kind in left.keys() & right.keys():
        fields = _alike(list(left[kind].values()), list(right[kind].values()))
        places = {
            tuple(identity[f] for f in fields): name
            for name, identity in right[kind].items()
            if name not in old
        }
        for name, identity in left[kind].items():
            place = tuple(identity[f] for f in fields)
            if name not in new and place in places:
                found.append((name, places[place]))
    return sorted(found)


def _identities(inputs: Mapping[str, str]) -> dict[str, dict[str, Identity]]:
    """Kind of step -> name of input -> identity, of the inputs that steps make."""
    found: dict[str, dict[str, Identity]] = {}
    for name, path in inputs.items():
        made = layout.parse(path)
        if made is not None:
            found.setdefault(made[0], {})[name] = made[1]
    return found


def _alike(left: Sequence[Identity], right: Sequence[Identity]) -> list[str]:
    """The fields that are not one value in all of one side and another in all of the other."""
    values = [{f: {item[f] for item in side} for f in left[0]} for side in (left, right)]
    return [
        f
        for f in left[0]
        if values[0][f] == values[1][f] or max(len(side[f]) for side in values) > 1
    ]


def _digests(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: item["sha256"] for name, item in found["outputs"].items()}


def _agrees(made: Mapping[str, Any] | None, item: Mapping[str, Any]) -> bool:
    """Whether a step's manifest, if there is one, has the input that was read of it."""
    return made is None or any(
        (one["path"], one["sha256"]) == (item["path"], item["sha256"])
        for one in made["outputs"].values()
    )
