"""What two steps differ in by themselves: what is in the one's key and not in the other's.

What they inherit through their inputs is none of it; `frontier` follows those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medad import layout
from medad.lineage.environment import LIBRARIES

Manifest = Mapping[str, Any]
Leaf = tuple[str, ...]  # keys from the outside in

IDENTITY = {
    "dataset": "dataset",
    "split": "split policy",
    "method": "method",
    "k": "K",
    "r": "replicate",
    "table": "table",
    "figure": "figure",
    "backbone": "backbone",
    "weights": "weights of the backbone",
}
# Parameters that say again what an identity says, so that one cause is named once.
_SAME_AS: dict[tuple[str, Leaf], str] = {
    ("split", ("policy",)): "split policy",
    ("weights", ("name",)): "backbone",
    ("weights", ("weights",)): "weights of the backbone",
    ("weights", ("normalisation",)): "normalisation of pixels",
}
_BACKBONE: dict[Leaf, str] = {
    ("backbone", "name"): "backbone",
    ("backbone", "weights"): "weights of the backbone",
    ("backbone", "normalisation"): "normalisation of pixels",
}
_CHOSEN = {
    "datasets": "dataset",
    "splits": "split policy",
    "methods": "method",
    "shots": "K",
    "draws": "replicate",
}
# A figure takes sections of other steps by value: section -> the step whose parameters they are.
_TAKEN = {"stage1": "stage1", "synthesis": "pairs", "detector": "head"}
# Another value of one of these brings parameters and modules with it that the other does not have.
_BRANCHES = ("implementation", "policy", "reader", "weights")
_WHERE = ("head", "heads")  # of which method a head is: what it has learned is an input
_SOURCES = {"file": "weights file", "natural": "natural images", "teacher": "teacher file"}


@dataclass(frozen=True)
class Cause:
    """One first difference. ``sort``: what kind of thing; ``what``: which; ``step``: kind of step.

    ``old``, ``new``: its values in A and B, None where there is none. ``manifest``: of which step.
    ``certain`` is false for what is in the records alone of steps whose keys differ too.
    """

    sort: str
    what: str
    old: Any
    new: Any
    step: str
    manifest: str
    certain: bool = True


def own(a: Manifest, b: Manifest, path: str) -> list[Cause]:
    """Causes in the keys of two steps, without their inputs' content; ``path`` is B's manifest."""
    kind = str(b["kind"])

    def cause(sort: str, what: str, old: Any, new: Any, step: str = kind) -> Cause:
        return Cause(sort, what, old, new, step, path)

    before, after = _identity(a), _identity(b)
    found = [
        cause("identity", IDENTITY[name], before[name], value)
        for name, value in after.items()
        if name in IDENTITY
        and before.get(name, value) != value
        and (kind, name) != ("head", "method")  # it says where a head lies, not what it learned
    ]
    outside = dict(_outside(a, b))
    said = [(old[key], new[key]) for old, new in outside.values() for key in ("sha256", "path")]
    for name, (old, new) in outside.items():
        if kind != "index":  # whose files are images, named one by one
            what = f"{_SOURCES.get(name, name)} {new['path']}"
            found.append(cause("file", what, old["sha256"], new["sha256"]))
    for sort, step, what, old, new in _parameters(kind, a["params"], b["params"]):
        if (old, new) not in said:  # a file's hash and name are parameters too
            found.append(cause(sort, what, old, new, step))
    branched = _branched(a["params"], b["params"])
    for name in sorted({*a["code"], *b["code"]}):
        old, new = a["code"].get(name), b["code"].get(name)
        if old != new and not (branched and None in (old, new)):
            found.append(cause("module", name, old, new))
    if a["threads"] != b["threads"]:
        found.append(cause("threads", "threads", a["threads"], b["threads"]))
    return found + [cause(*item) for item in _environment(a["environment"], b["environment"])]


def _identity(step: Manifest) -> dict[str, Any]:
    """What names a step; of weights the kind alone, since the rest is a parameter."""
    named = dict(step["identity"])
    if "weights" in named:
        named["weights"], _ = layout.weights_named(named["weights"])
    return named


def _outside(a: Manifest, b: Manifest) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Inputs that no step makes, of other content."""
    for name, new in b["inputs"].items():
        old = a["inputs"].get(name, new)
        if old["sha256"] != new["sha256"] and not layout.parse(new["path"]):
            yield name, (old, new)


def _environment(
    old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Libraries and machine, where ``env_policy`` puts them into the key."""
    if bool(old) != bool(new):
        policy = {True: "strict", False: "recorded"}
        yield "parameter", "env_policy", policy[bool(old)], policy[bool(new)]
        return
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            sort = "library" if name in (*LIBRARIES, "python") else "machine"
            yield sort, name, old.get(name), new.get(name)


def _branched(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return any(a.get(key) != b.get(key) for key in _BRANCHES)


def _parameters(
    kind: str, a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, Any, Any]]:
    """(sort, step, what, old, new) of every parameter that differs."""
    if a == b:
        return
    shows = kind in ("intervals", "table", "figure")
    chosen = list(_selections(a, b)) if shows else []
    yield from ((sort, kind, what, old, new) for sort, what, old, new in chosen)
    gone = set(a.get("methods", ())) ^ set(b.get("methods", ())) if shows else set()
    left, right = (dict(_leaves(_labelled(side, gone))) for side in (a, b))
    branched, quiet = _branched(a, b), not chosen
    for leaf in sorted({*left, *right}):
        old, new = left.get(leaf), right.get(leaf)
        if old == new or gone & set(leaf) or (shows and leaf[0] in _CHOSEN):
            continue
        quiet = False
        if leaf[0] in _WHERE:
            continue
        if leaf == ("implementation",) and a.get("reader") != b.get("reader"):
            continue
        if not (branched and None in (old, new)):
            yield _named(kind, leaf, old, new)
    if quiet:
        yield "parameter", kind, "order of parameters", None, None


def _named(kind: str, leaf: Leaf, old: Any, new: Any) -> tuple[str, str, str, Any, Any]:
    step = kind
    if kind == "figure" and leaf[0] in _TAKEN and len(leaf) > 2:
        step, leaf = _TAKEN[leaf[0]], leaf[2:]
    same = _SAME_AS.get((step, leaf)) or _BACKBONE.get(leaf)
    if same:
        return "identity", step, same, old, new
    if leaf == ("seed",):
        return "seed", step, "seed", old, new
    if leaf[0] == "rows" and len(leaf) in (4, 5) and leaf[2] == "published":
        return "published", step, ", ".join((leaf[1], *leaf[3:])), old, new
    return "parameter", step, ".".join(leaf), old, new


def _selections(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    """What a table spans in one of two cases only; one for one is another choice of the same."""
    for key, what in _CHOSEN.items():
        old, new = a.get(key, []), b.get(key, [])
        if len(old) == len(new) == 1 and old != new:
            yield "identity", what, old[0], new[0]
        elif set(old) == set(new) and old != new:
            yield "parameter", f"order of {key}", old, new
        else:
            yield from (("selection", what, one, None) for one in old if one not in new)
            yield from (("selection", what, None, one) for one in new if one not in old)


def _labelled(params: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    """Parameters with a table's rows by label, and without those of methods that are ``gone``."""
    rows = params.get("rows")
    if not isinstance(rows, list):
        return dict(params)
    kept = [row for row in rows if row.get("method") not in gone]
    by_label = {str(row["label"]): row for row in kept}
    return {**params, "rows": by_label}


def _leaves(value: Mapping[str, Any], above: Leaf = ()) -> Iterator[tuple[Leaf, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, (*above, str(name)))
        else:
            yield (*above, str(name)), item
