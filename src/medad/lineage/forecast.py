"""What a run would do and cost, told by the plan, the store and the records of the past."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage import manifest, record
from medad.lineage.current import Current
from medad.lineage.graph import Graph
from medad.lineage.store import Store


@dataclass
class Expected:
    """Steps of one kind and method: how many, and what one costs, where the past tells.

    ``seconds``: device -> median wall seconds of a step. ``memory_mib``: the largest of a process.
    ``bytes``: mean size of a step's outputs.
    """

    kind: str
    method: str
    computed: int = 0
    restored: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    memory_mib: int | None = None
    bytes: int | None = None


def forecast(current: Current, targets: Iterable[str]) -> list[Expected]:
    """One entry a kind and method, in the order of the pipeline; empty when all is done."""
    plan = current.plan
    known = _Known(current)
    found: dict[tuple[str, str], Expected] = {}
    for job in current.jobs(targets):
        for step in plan.targets(job.kind, job.wildcards):
            method = str(step.get("method", ""))
            entry = found.setdefault((job.kind, method), Expected(job.kind, method))
            if known.stored(job.kind, step):
                entry.restored += 1
            else:
                entry.computed += 1
    past = _Past(plan.root)
    for entry in found.values():
        past.tell(entry)
    order = list(layout.STEMS)
    return sorted(found.values(), key=lambda entry: (order.index(entry.kind), entry.method))


class _Known:
    """Which steps the store can give back, as far as their inputs are known beforehand."""

    def __init__(self, current: Current) -> None:
        self.current, self.store = current, Store(current.plan.root)
        self.manifests: dict[str, dict[str, Any] | None] = {}

    def stored(self, kind: str, step: layout.Identity) -> bool:
        found = self._manifest(kind, step)
        return found is not None and all(
            self.store.blob(item["md5"]).is_file() for item in found["outputs"].values()
        )

    def _manifest(self, kind: str, step: layout.Identity) -> dict[str, Any] | None:
        path = layout.manifest(kind, step)
        if path not in self.manifests:
            self.manifests[path] = self._read(kind, step)
        return self.manifests[path]

    def _read(self, kind: str, step: layout.Identity) -> dict[str, Any] | None:
        half = self.current.plan.half(kind, step)
        inputs: dict[str, str] = {}
        for name, path in layout.inputs(kind, step, half.params).items():
            digest = self._digest(path, half)
            if digest is None:
                return None
            inputs[name] = digest
        entry = self.store.entry(manifest.key(half, step, inputs))
        try:
            return manifest.read(entry) if entry.is_file() else None
        except MedadError:
            return None

    def _digest(self, path: str, half: manifest.Half) -> str | None:
        made = layout.parse(path)
        if made is None:
            return self.current.sources.get(path, half.params.get("sha256"))
        found = self._manifest(*made)
        outputs = [] if found is None else found["outputs"].values()
        return next((str(item["sha256"]) for item in outputs if item["path"] == path), None)


class _Past:
    """Computed steps of the records, and the sizes that manifests state."""

    def __init__(self, root: Path) -> None:
        self.records: list[dict[str, Any]] = []
        self.manifests: list[dict[str, Any]] = []
        graph = Graph(root)
        for path in record.every(root):
            with suppress(MedadError):  # a damaged one tells nothing; `medad verify` names it
                found = manifest.read(path)
                self.records += [found] if found["action"] == "computed" else []
        for name in graph.paths:
            with suppress(MedadError):
                self.manifests.append(graph.alone(name).manifest)

    def tell(self, entry: Expected) -> None:
        """Fill in what the steps most like these took: of the same method, else of the kind."""
        records = _alike(self.records, entry)
        for device in sorted({item["device"] for item in records}):
            walls = [item["wall_s"] for item in records if item["device"] == device]
            entry.seconds["cpu" if device == "none" else device] = median(walls)
        entry.memory_mib = max((item["peak_memory_mib"] for item in records), default=None)
        sizes = [
            sum(output["size"] for output in item["outputs"].values())
            for item in _alike(self.manifests, entry)
        ]
        entry.bytes = round(sum(sizes) / len(sizes)) if sizes else None


def _alike(items: list[dict[str, Any]], entry: Expected) -> list[dict[str, Any]]:
    same_kind = [item for item in items if item["kind"] == entry.kind]
    same = [item for item in same_kind if item["identity"].get("method", "") == entry.method]
    return same or same_kind
