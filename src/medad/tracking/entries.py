"""What MLflow is told of one step: parameters, points, tags and datasets, read from its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medad import layout
from medad.detectors.curves import of_head
from medad.errors import MedadError
from medad.files import read_json
from medad.lineage import manifest, record
from medad.lineage.graph import Graph
from medad.lineage.runner import LIVE
from medad.shot_counts import FULL, text

KINDS = ("stage1", "head", "metrics")
_FOLDERS = {layout.STEMS[kind].split("/")[1] for kind in KINDS}
_ORDER = ("dataset", "split", "method", "k", "r")  # identities of KINDS have these


@dataclass(frozen=True)
class Input:
    """A dataset that a run has used: ``digest`` is the sha256 of ``source``, a file that lists its
    images; ``counts`` says how many."""

    name: str
    digest: str
    source: str
    context: str
    counts: Mapping[str, int]


@dataclass
class Entry:
    """What one run logs: parameters, (name, step, value) points, and where they come from.

    ``key`` finds the run again: the key of a step, else the digest of what is shown. ``tag`` is
    where it is written. ``artifacts`` are (file below the root, folder among the artifacts).
    """

    key: str
    name: str
    kind: str
    started_ms: int
    params: dict[str, str]
    points: list[tuple[str, int, float]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    artifacts: list[tuple[str, str]] = field(default_factory=list)
    finished: bool = True
    tag: str = "medad.key"


def candidates(root: Path) -> dict[str, str]:
    """Manifest -> key of every finished step that is logged."""
    found = [path for path in Graph(root).paths if path.split("/")[1] in _FOLDERS and _is_run(path)]
    read = {path: manifest.read(root / path) for path in found}
    return {path: str(made["key"]) for path, made in read.items() if _has_numbers(root, made)}


def run_name(identity: Mapping[str, Any]) -> str:
    """As the path of a result: ``brain_mri/grouped/padim/k4/r0``."""
    named = {key: str(value) for key, value in identity.items()}
    named |= {key: f"{key}{text(value)}" for key, value in named.items() if key in ("k", "r")}
    return "/".join(named[key] for key in sorted(named, key=_ORDER.index))


def run_of(path: str) -> str:
    """The run that a manifest of KINDS belongs to, by name."""
    return run_name(layout.parse_manifest(path)[1])


def live(root: Path) -> Iterator[Entry]:
    """Steps of KINDS that are running now and have logged events; figures that train are none."""
    for head in sorted((root / LIVE).glob("*.json")):
        events = head.with_suffix(".jsonl")
        try:
            found = read_json(head)
            logged = list(points(events))
        except (MedadError, FileNotFoundError):
            continue  # it finished between the listing and the reading
        if found["kind"] not in KINDS:
            continue
        yield Entry(
            key=head.stem,
            name=run_name(found["identity"]),
            kind=found["kind"],
            started_ms=int(found["started"] * 1000),
            params={**flat(found["identity"]), **flat(found["params"])},
            points=logged,
            tags=_tags(found["kind"], found["identity"]),
            finished=False,
        )


def finished(root: Path, path: str) -> Entry:
    """Everything a finished step has to log."""
    found = manifest.read(root / path)
    started, tags = origin(root, found["key"])
    entry = Entry(
        key=found["key"],
        name=run_name(found["identity"]),
        kind=found["kind"],
        started_ms=started,
        params=parameters(found),
        points=numbers(root, found),
        tags={**_tags(found["kind"], found["identity"]), **tags},
    )
    if found["kind"] == "metrics":
        values = read_json(root / found["outputs"]["metrics"]["path"])
        entry.inputs.append(tested(found, values))
    entry.inputs += _drawn(root, found)
    return entry


def parameters(found: Mapping[str, Any]) -> dict[str, str]:
    """What a step's run has as parameters, by its manifest."""
    return {**flat(found["identity"]), **flat(found["params"])}


def numbers(root: Path, found: Mapping[str, Any]) -> list[tuple[str, int, float]]:
    """What a step's run has as points, by its artifacts."""
    outputs = found["outputs"]
    if found["kind"] == "stage1":
        return list(points(root / outputs["events"]["path"]))
    if found["kind"] == "head":
        return list(curves(root / outputs["head"]["path"]))
    values = read_json(root / outputs["metrics"]["path"])
    return [(name, 0, float(value)) for name, value in values.items() if _is_number(value)]


def origin(root: Path, key: str) -> tuple[int, dict[str, str]]:
    """When a step was first computed, in ms since 1970 (0: nowhere that is known), and the commit
    of its sources as MLflow's tag."""
    records = [item for item in record.of_key(root, key) if item["action"] == "computed"]
    if not records:
        return 0, {}
    first = min(records, key=lambda item: float(item["started"]))
    commit = first["repository"]["commit"]
    return int(first["started"] * 1000), {"mlflow.source.git.commit": commit} if commit else {}


def tested(metrics: Mapping[str, Any], values: Mapping[str, Any]) -> Input:
    """The test images of a metrics step, by the index that lists them."""
    identity, index = metrics["identity"], metrics["inputs"]["index"]
    counts = {name: int(values[f"n_{name}"]) for name in ("healthy", "anomalous")}
    name = f"{identity['dataset']}/{identity['split']}"
    return Input(name, index["sha256"], index["path"], "test", counts)


def _drawn(root: Path, found: Mapping[str, Any]) -> list[Input]:
    """The shots of a step: those that its pairs or scores were made from."""
    holder, identity = found, found["identity"]
    if "shots" not in found["inputs"]:
        above = found["inputs"]["pairs" if found["kind"] == "stage1" else "scores"]
        path = root / str(manifest.beside(above["path"]))
        if not path.is_file():
            return []
        holder = manifest.read(path)
    shots = holder["inputs"]["shots"]
    place = (
        f"{identity['dataset']}/{identity['split']}/shots/k{text(identity['k'])}/r{identity['r']}"
    )
    counts = {"healthy": identity["k"]} if identity["k"] != FULL else {}
    return [Input(place, shots["sha256"], shots["path"], "shots", counts)]


def _tags(kind: str, identity: Mapping[str, Any]) -> dict[str, str]:
    main = {"stage1": "weights", "head": "head", "metrics": "metrics"}[kind]
    return {
        "medad.manifest": layout.manifest(kind, identity),
        "medad.audit": f"medad audit {layout.output(kind, identity, main)}",
    }


def points(file: Path) -> Iterator[tuple[str, int, float]]:
    """Numbers of an event file, one point per name and step; a torn last line is left for later."""
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            if not line.endswith("\n"):
                return
            event = json.loads(line)
            step = int(event["step"])
            for name, value in _flat_numbers(event):
                if name not in ("step", "time"):
                    yield name, step, value


def curves(file: Path) -> Iterator[tuple[str, int, float]]:
    """The curves of a head, one point per name and step: what its detector's own training did."""
    for name, curve in sorted(of_head(file).items()):
        for step, value in enumerate(curve.tolist()):
            yield name, step, value


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as text, by dotted names."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = str(value)
    return found


def _flat_numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat_numbers(value, f"{prefix}{name}.")
        elif _is_number(value):
            yield prefix + name, float(value)


def _has_numbers(root: Path, found: Mapping[str, Any]) -> bool:
    """Whether a step has points: of the heads those here of detectors that train."""
    if found["kind"] != "head":
        return True
    params = found["params"]
    trains = bool(params.get("trains")) or params.get("reads") == "images"
    path: str = found["outputs"]["head"]["path"]
    return trains and (root / path).is_file()


def _is_run(path: str) -> bool:
    return not path.endswith(f".intervals{manifest.SUFFIX}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
