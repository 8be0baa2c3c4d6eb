"""Parameters as keys of params.yaml: the value in force, the default, and the paper's letter.

Nothing here is a list of readings: keys follow from the registry and the layout of a step's
parameters, alternatives from the configuration's models, notes from the comments of params.yaml,
open points from docs/readings.md where it is there, and the literal values from a preset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel

from medad import registry
from medad.config.load import PRESETS, load, overlay
from medad.config.models import Config
from medad.lineage.graph import Node
from medad.lineage.open_points import PAGE, closed, points

LITERAL = "consult_literal"  # the preset that follows the paper wherever it says anything
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # much faster
ABSENT = "absent"  # the value of a key that the configuration does not have
_SECTIONS = {
    spec: f"{section}.{name}"
    for section, known in (
        ("synthesis", {**registry.SYNTHESES, **registry.LEAKY_SYNTHESES}),
        ("stage1", registry.STAGE1),
        ("detectors", registry.EVERY_DETECTOR),
    )
    for name, spec in known.items()
}
_ELSEWHERE = {  # parameters of steps that are keys of other sections
    "seed": "seed",
    "side": "image.side",
    "resize": "image.resize",
    "fit": "image.fit",
    "backbone": "backbone",
    "leakage": "leakage",
    "on_bad": "data.on_bad",
    "maps": "evaluation.maps",
    "smoothing": "evaluation.smoothing",
    "healthy_quantile": "evaluation.healthy_quantile",
    "resamples": "evaluation.resamples",
    "confidence": "evaluation.confidence",
}
_OWN = {"weights": "backbone", "phantom": "datasets.{dataset}", "split": "splits.{split}"}
_NUMBERS = "splits.adfa.numbers.{dataset}"  # the one policy whose parameters are a dataset's
_DERIVED = ("implementation", "source", "synthesis", "reads", "frozen", "trains", "policy")
_PARTS = {"synthesis": "synthesis", "stage1": "stage1", "detectors": "detector"}  # of a method
_REPORTING = ("table", "figure")  # what they take is shown by the steps that it comes from


@dataclass(frozen=True)
class Reading:
    """One key.

    ``steps``: kinds that depend on it. ``value``: in force when they were made. ``default``: of
    params.yaml without a preset, for that method where it names one. ``literal``: what the preset
    ``consult_literal`` would have, None where it says nothing or the same. ``choices``: the values
    the configuration allows, empty for numbers and paths. ``note``: the comment in params.yaml.
    ``point``: what the paper leaves open and this key closes, None where it leaves nothing open.
    """

    key: str
    steps: tuple[str, ...]
    value: Any
    default: Any
    literal: Any
    choices: tuple[Any, ...]
    note: str | None
    point: str | None

    @property
    def open(self) -> bool:
        """Whether this is an open or a named choice, or not the default or not the letter."""
        chosen = bool(self.choices) or self.point is not None
        return chosen or self.value != self.default or self.literal is not None


@dataclass(frozen=True)
class _Said:
    """Two dumped configurations, the keys that the literal preset states, and the comments."""

    shipped: Mapping[str, Any]
    letter: Mapping[str, Any]
    stated: frozenset[str]
    notes: Mapping[str, str]


@lru_cache(maxsize=1)  # by the texts themselves, so that many cells in one process read them once
def _said(root: Path, params: str, preset: str | None) -> _Said:
    shipped = load(root, {"preset": "none"}).model_dump()
    if preset is None:
        return _Said(shipped, shipped, frozenset(), notes(params))
    letter = load(root, {"preset": LITERAL}).model_dump()
    stated = frozenset(key for key, _ in flat(yaml.load(preset, Loader=_LOADER)))
    return _Said(shipped, letter, stated, notes(params))


def readings(root: Path, nodes: Iterable[Node]) -> list[Reading]:
    """Every parameter of the steps that is a key of params.yaml, in the order of the steps."""
    preset = root / PRESETS / f"{LITERAL}.yaml"
    said = _said(
        root,
        (root / "params.yaml").read_text(encoding="utf-8"),
        preset.read_text(encoding="utf-8") if preset.is_file() else None,
    )
    found: dict[str, tuple[list[str], tuple[str, Any, Any, Any]]] = {}
    for node in nodes:
        method = _method(node)
        for key, value in _keys(node):
            default, literal = (value_of(c, key, method) for c in (said.shipped, said.letter))
            says = literal not in (value, ABSENT) and (key in said.stated or literal != default)
            told = (key, value, default, literal if says else None)
            steps, _ = found.setdefault(repr(told), ([], told))
            steps += [] if node.kind in steps else [node.kind]
    page = root / PAGE
    known = points(page.read_text(encoding="utf-8")) if page.is_file() else []
    open_ = closed(known, [key for key, _ in flat(said.shipped)])
    return [
        Reading(
            *(key, tuple(steps), value, default, literal),
            *(choices(key), said.notes.get(key), open_.get(key)),
        )
        for steps, (key, value, default, literal) in found.values()
    ]


def value_of(config: Mapping[str, Any], key: str, method: str | None) -> Any:
    """A key's value in a dumped configuration, for one method; ``ABSENT`` when there is none."""
    parts = key.split(".")
    chosen = config["methods"].get(method)
    part = _PARTS.get(parts[0])
    if chosen and key == "backbone.name" and chosen["backbone"]:
        return chosen["backbone"]
    if chosen and key == "backbone.weights" and chosen.get("weights"):
        return chosen["weights"]
    if chosen and part and chosen[part] == parts[1]:
        section = overlay(config[parts[0]][parts[1]], chosen["override"][part])
        return _walk(section, parts[2:])
    return _walk(config, parts)


def flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of what a nested mapping holds, with the values, mappings opened."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def choices(key: str) -> tuple[Any, ...]:
    """The values that the configuration allows for a key, () when they cannot be listed."""
    model: Any = Config
    for part in key.split("."):
        field = model.model_fields.get(part) if _is_model(model) else None
        if field is None:
            return ()
        model = field.annotation
    if model is bool:
        return (False, True)
    return get_args(model) if get_origin(model) is Literal else ()


def notes(text: str) -> dict[str, str]:
    """Dotted key -> the comment on the line where its value ends, in a YAML file."""
    lines = text.splitlines()
    found = {}
    for key, node in _nodes(yaml.compose(text, Loader=_LOADER), ""):
        line = lines[node.end_mark.line] if node.end_mark.line < len(lines) else ""
        rest = line[node.end_mark.column :].strip()
        if rest.startswith("#"):
            found[key] = rest.lstrip("# ")
    return found


def _nodes(node: Any, above: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        key = f"{above}{name.value}"
        # A block mapping ends where the next key begins: a comment there is not its own.
        if not isinstance(value, yaml.MappingNode) or value.flow_style:
            yield key, value
        yield from _nodes(value, f"{key}.")


def _keys(node: Node) -> Iterator[tuple[str, Any]]:
    params = node.manifest["params"]
    if node.kind in _REPORTING:
        return
    numbers = node.kind == "split" and params["policy"] == "adfa"
    template = _NUMBERS if numbers else _OWN.get(node.kind, "")
    own = template.format(**node.manifest["identity"])
    own = own or _SECTIONS.get(params.get("implementation"), "")
    for name, value in flat(params):
        first, _, rest = name.partition(".")
        if first in _ELSEWHERE:
            yield _ELSEWHERE[first] + (f".{rest}" if rest else ""), value
        elif first not in _DERIVED and own:
            yield f"{own}.{name}", value


def _method(node: Node) -> str | None:
    """The method whose overrides a step has; those of shared pairs are nobody's."""
    identity = node.manifest["identity"]
    name = identity.get("method") or identity.get("synthesis", "").partition("-")[2]
    return str(name) if name else None


def _walk(values: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if not isinstance(values, Mapping) or part not in values:
            return ABSENT
        values = values[part]
    return values


def _is_model(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel)
