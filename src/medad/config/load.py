"""params.yaml, the preset it names and the command line's overrides -> one validated Config."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from medad.config.models import Config
from medad.errors import MedadError

PRESETS = Path("workflow/presets")


def load(root: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """The configuration in force below ``root``; MedadError names file, line, key and remedy."""
    file = root / "params.yaml"
    values = _read(file)
    chosen = {**values, **(overrides or {})}.get("preset", "none")
    layers = [(file, values)]
    for name in str(chosen).split("+") if chosen != "none" else []:
        preset = root / PRESETS / f"{name}.yaml"
        if not preset.is_file():
            known = sorted(path.stem for path in (root / PRESETS).glob("*.yaml"))
            raise MedadError(
                f"preset: got {name!r}; allowed: none, {', '.join(known)}, or several with + "
                "between them, of which the later wins"
            )
        layers.append((preset, _read(preset)))
    merged: dict[str, Any] = {}
    for _, layer in layers:
        merged = overlay(merged, layer)
    merged = overlay(merged, {**(overrides or {}), "preset": chosen})
    if isinstance(merged.get("methods"), Mapping):
        merged["methods"] = {name: _like(merged["methods"], name) for name in merged["methods"]}
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        files = [path for path, _ in reversed(layers)]
        raise MedadError(_explain(error, files, overrides or {})) from error
    _check_names(config, overrides or {})
    return config


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``top``: mappings merge key by key, all else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = overlay(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _like(methods: Mapping[str, Any], name: str, *above: str) -> Any:
    """A method with what it takes from the one it is ``like``."""
    own = methods[name]
    if not isinstance(own, Mapping) or "like" not in own:
        return own
    model = own["like"]
    if model not in methods or model in (name, *above):
        others = ", ".join(other for other in methods if other not in (name, *above))
        raise MedadError(
            f"params.yaml: methods.{name}.like: got {model!r}; allowed: another method that is not "
            f"like this one: {others}"
        )
    rest = {key: value for key, value in own.items() if key != "like"}
    return overlay(_like(methods, model, name, *above), rest)


def section_with(model: BaseModel, changes: Mapping[str, object], where: str) -> dict[str, Any]:
    """A section's values with one method's overrides, validated like the section itself."""
    try:
        return type(model).model_validate(overlay(model.model_dump(), changes)).model_dump()
    except ValidationError as error:
        raise MedadError(f"params.yaml: {where}: {_message(error, type(model))}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MedadError(f"{path}: not found; run inside a medad project") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MedadError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise MedadError(f"{path}: got {type(values).__name__}; a mapping of keys is needed")
    return values


def _check_names(config: Config, overrides: Mapping[str, Any]) -> None:
    """Names that refer to other sections must exist there."""
    splits, stages = type(config.splits).model_fields, type(config.stage1).model_fields
    detectors, syntheses = type(config.detectors).model_fields, type(config.synthesis).model_fields
    named = [("runs.datasets", name, config.datasets) for name in config.runs.datasets]
    named += [("runs.splits", name, splits) for name in config.runs.splits]  # type: ignore[misc]
    for name, method in config.methods.items():
        where = f"methods.{name}"
        named.append((f"{where}.stage1", method.stage1, ["none", *stages]))  # type: ignore[arg-type]
        named.append((f"{where}.synthesis", method.synthesis, ["none", *syntheses]))  # type: ignore[arg-type]
        named.append((f"{where}.detector", method.detector, detectors))  # type: ignore[arg-type]
        named += [(f"{where}.normalisation", d, config.datasets) for d in method.normalisation]
    for where, name, known in named:
        if name not in known:
            blamed = _blamed(where.split("."), overrides)
            raise MedadError(f"{blamed}: {where}: got {name!r}; allowed: {', '.join(known)}")
    for key in ("shots", "datasets", "splits"):
        values = getattr(config.runs, key)
        if len(set(values)) != len(values):
            blamed = _blamed(["runs", key], overrides)
            raise MedadError(f"{blamed}: runs.{key}: got {values}; each value once")


def _blamed(location: Iterable[str], overrides: Mapping[str, Any]) -> str:
    """Where a value comes from, as far as the command line tells."""
    given: Any = overrides
    for part in location:
        given = given.get(part) if isinstance(given, Mapping) else None
    return "params.yaml" if given is None else "--config"


def _explain(error: ValidationError, files: Iterable[Path], overrides: Mapping[str, Any]) -> str:
    location = [str(part) for part in error.errors()[0]["loc"]]
    blamed = _blamed(location, overrides)
    for path in files if blamed == "params.yaml" else ():
        line = _line(path, location)
        if line is not None:
            return f"{path.name}:{line}: {_message(error, Config)}"
    return f"{blamed}: {_message(error, Config)}"


def _message(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        allowed = _siblings(model, [str(part) for part in first["loc"][:-1]])
        near = difflib.get_close_matches(str(first["loc"][-1]), allowed, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if first["type"] == "missing":
        return f"{key}: missing; add it (see the params.yaml that comes with medad)"
    told = first["msg"].removeprefix("Value error, ")
    if isinstance(first["input"], Mapping):  # two of its keys do not go together, says the message
        return f"{key}: {told}"
    return f"{key}: got {first['input']!r}; {told}"


def _siblings(model: type[BaseModel], parents: list[str]) -> list[str]:
    for part in parents:
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return sorted(model.model_fields)


def _line(path: Path, location: list[str]) -> int | None:
    """Line (from 1) of the deepest key of ``location`` that the file holds."""
    node: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"))
    line = None
    for part in location:
        if not isinstance(node, yaml.MappingNode):
            break
        for key, value in node.value:
            if key.value == part:
                line, node = key.start_mark.line + 1, value
                break
        else:
            break
    return line
