"""The audit of a number as a tree to read.

Whatever comes from data is shown as plain text: neither markup nor control characters of a file
name reach the terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from medad.shot_counts import text

_WHOLE = 1_000_000
_SHORT = 12  # digits of a sha256


def show(found: Mapping[str, Any]) -> None:
    """Print the tree. A terminal wraps its lines; a file or a pipe gets them whole."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WHOLE, soft_wrap=True)
    console.print(tree(found))


def tree(found: Mapping[str, Any]) -> Tree:
    """Everything an audit found, in the order of the questions that one asks of a number."""
    number = found["number"]
    title = found.get("cell", found["target"]) + (f" = {number['value']:.4f}" if number else "")
    top = Tree(plain(title, "bold"))
    if number:
        _number(top, number)
    _images(top, found)
    _code(top, found)
    _parameters(top, found)
    _weights(top, found)
    for libraries in found["libraries"]:
        _add(top, f"environment: {_pairs(libraries)}")
    for machine in found["machines"]:
        _add(top, f"machine: {_pairs(machine)}")
    _seeds(top, found)
    _times(top, found["records"])
    _tracking(top, found)
    _doubts(top, found["doubts"])
    _files(top, found["runs"])
    return top


def plain(text: object, style: str = "") -> Text:
    """Text as it is, unprintable characters as their escapes."""
    return Text("".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text)), style)


def _add(branch: Tree, text: str, style: str = "") -> Tree:
    return branch.add(plain(text, style))


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _number(top: Tree, number: Mapping[str, Any]) -> None:
    branch = _add(top, f"number: {number['metric']}, {number['aggregation']}, n = {number['n']}")
    if "values" in number:
        for name, value in number["values"].items():
            _add(branch, f"{name}: {value}")
        return
    sd = "none (one draw)" if number["sd"] is None else number["sd"]
    percent = f"{number['confidence']:.0%}"
    _add(branch, f"sd over draws: {sd}, {percent} interval [{number['low']}, {number['high']}]")
    if number["vs_baseline"] is not None:
        together = f", for all K together {number['together']}" if number["together"] else ""
        _add(
            branch,
            f"difference from {number['baseline']}: {number['vs_baseline']:+} "
            f"[{number['vs_low']}, {number['vs_high']}]{together}",
        )
    file = number["interval_file"]
    _add(branch, f"both from {file['path']}  sha256 {file['sha256'][:_SHORT]}")
    printed = " or ".join(str(value) for value in number["published"]) or "nothing"
    _add(branch, f"the paper has here: {printed} ({number['source']})")
    difference = "" if number["difference"] is None else f", difference {number['difference']:+}"
    reason = f": {number['reason']}" if number["reason"] else ""
    _add(branch, f"verdict: {number['verdict']}{difference}{reason}")


def _images(top: Tree, found: Mapping[str, Any]) -> None:
    images = found["images"]
    counts = ", ".join(f"{len(images[role])} {role}" for role in ("shots", "test", "validation"))
    branch = _add(top, f"images, distinct: {counts}")
    for run in found["runs"]:
        at = run["identity"]
        auroc = f"AUROC {run['values']['auroc']:.4f}"
        draw = _add(branch, f"draw: K {text(at['k'])}, replicate {at['r']}: {auroc}")
        for image in run["draw"]:
            _add(draw, f"{image['path']}  sha256 {image['sha256'][:_SHORT]}")
        for role, counted in run["counts"].items():
            _add(draw, f"{role}: {counted['healthy']} healthy, {counted['anomalous']} anomalous")
    for path, digest in found["sources"].items():
        _add(branch, f"from outside: {path}  sha256 {digest[:_SHORT]}")


def _code(top: Tree, found: Mapping[str, Any]) -> None:
    code = found["code"]
    changed = len(code["changed_since"])
    branch = _add(top, f"code: {len(code['modules'])} modules, {changed} changed since")
    for commit in found["commits"]:
        dirty = f", with uncommitted changes {commit['diff'][:_SHORT]}" if commit["diff"] else ""
        _add(branch, f"commit {commit['commit'] or 'unknown: no git repository'}{dirty}")
    for name, digest in code["modules"].items():
        note = ", changed since" if name in code["changed_since"] else ""
        _add(branch, f"{name}  sha256 {digest[:_SHORT]}{note}", "yellow" if note else "")


def _parameters(top: Tree, found: Mapping[str, Any]) -> None:
    """Readings one a line, by the steps that depend on them, then all parameters of each step."""
    open_ = [reading for reading in found["readings"] if reading["open"]]
    text = "with the values of params.yaml and of the preset consult_literal where they differ"
    branch = _add(top, f"parameters: {len(open_)} choices, {text}")
    groups: dict[str, Tree] = {}
    for reading in open_:
        steps = ", ".join(reading["steps"])
        if steps not in groups:
            groups[steps] = _add(branch, f"choices for {steps}")
        _add(groups[steps], _reading(reading), "yellow" if reading["literal"] is not None else "")
    for kind, params in found["parameters"].items():
        if kind not in ("table", "figure"):
            _add(branch, f"{kind}: {json.dumps(params, sort_keys=True)}")


def _reading(reading: Mapping[str, Any]) -> str:
    text = f"{reading['key']} = {_value(reading['value'])}"
    if reading["value"] != reading["default"]:
        text += f"; params.yaml: {_value(reading['default'])}"
    if reading["literal"] is not None:
        text += f"; consult_literal: {_value(reading['literal'])}"
    others = [choice for choice in reading["choices"] if choice != reading["value"]]
    if others:
        text += f"; also: {', '.join(_value(choice) for choice in others)}"
    text += f"  # {reading['note']}" if reading["note"] else ""
    return text + (f"  [open in the paper: {reading['point']}]" if reading["point"] else "")


def _weights(top: Tree, found: Mapping[str, Any]) -> None:
    for item in found["weights"]:
        params, digest = item["params"], item["output"]["sha256"]
        text = f"weights: {params['name']}, {params['weights']}, sha256 {digest[:_SHORT]}"
        _add(top, f"{text}, {item['from']}")


def _seeds(top: Tree, found: Mapping[str, Any]) -> None:
    """Seeds by purpose; those of a run by its replicate."""
    if not found["runs"]:
        return
    branch = _add(top, "seeds")
    for run in found["runs"]:
        at = run["identity"]
        drawn = _add(branch, f"K {text(at['k'])}, replicate {at['r']}")
        for kind, seeds in run["seeds"].items():
            for purpose, seed in seeds.items():
                _add(drawn, f"{kind}, {purpose}: {seed}")


def _times(top: Tree, records: Mapping[str, Any]) -> None:
    branch = _add(top, f"records: {_time(records)}")
    for kind, times in records["by_kind"].items():
        _add(branch, f"{kind}: {_time(times)}")


def _time(times: Mapping[str, Any]) -> str:
    first, last = (
        datetime.fromtimestamp(times[name], UTC).strftime("%Y-%m-%d %H:%M:%S")
        for name in ("first", "last")
    )
    return (
        f"{times['computed']} computed, {times['restored']} restored, {times['compute_s']} s of "
        f"computation, peak {times['peak_memory_mib']} MiB, {first} to {last} UTC"
    )


def _tracking(top: Tree, found: Mapping[str, Any]) -> None:
    tracking = found["tracking"]
    if not found["mlflow"]:
        _add(top, "MLflow: none of these steps is tracked here")
        return
    branch = _add(top, f"MLflow store {tracking['uri']}")
    if "problem" in tracking:
        _add(branch, f"not readable now: {tracking['problem']}")
    for path, run in found["mlflow"].items():
        experiment = tracking.get("experiments", {}).get(run)
        link = tracking.get("links", {}).get(run)
        where = f", experiment {experiment}" if experiment else ""
        _add(branch, f"MLflow run {run}{where}: {path}" + (f"  {link}" if link else ""))


def _doubts(top: Tree, doubts: Iterable[Mapping[str, str]]) -> None:
    branch = _add(top, "known to leak or contested")
    groups: dict[str, Tree] = {}
    for doubt in doubts:
        about = doubt["about"]
        if about not in groups:
            groups[about] = _add(branch, about)
        _add(groups[about], doubt["says"])


def _files(top: Tree, runs: Iterable[Mapping[str, Any]]) -> None:
    """The chain from the images to each run's number."""
    for run in runs:
        at = run["identity"]
        branch = _add(top, f"files: K {text(at['k'])}, replicate {at['r']}")
        for kind, outputs in run["artifacts"].items():
            for path, digest in outputs.items():
                _add(branch, f"{kind}: {path}  sha256 {digest[:_SHORT]}")
