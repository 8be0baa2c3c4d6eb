"""Results that no step computed: the manifests, records and small files that a configuration
leads to, with made-up bytes. What a change does to keys is the plan's own, in milliseconds."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from project import ROOT

from medad import layout
from medad.config.load import load
from medad.errors import MedadError
from medad.files import Digest, canonical_json
from medad.lineage import manifest
from medad.plan import STAGES, Plan

LIBRARIES = {"numpy": "2.4", "python": "3.11.7", "torch": "2.13"}
MACHINE = {"cpu": "EPYC", "gpu": "none", "host": "one"}
METHODS = ("padim", "patchcore", "consult")
SMALL = {"runs": {"shots": [2, 4], "replicates": 1}}
Images = Mapping[str, tuple[str, int, str]]  # path -> content, label, mask's content or ""
IMAGES: Images = {
    **{f"healthy/{i:02}.png": (f"h{i}", 0, "") for i in range(12)},
    **{f"anomalous/{i:02}.png": (f"a{i}", 1, f"m{i}") for i in range(8)},
}


def small_root(folder: Path, methods: tuple[str, ...] = METHODS) -> Path:
    """A folder with what a plan reads: params.yaml, and one table and one figure of ``methods``."""
    shutil.copy(ROOT / "params.yaml", folder)
    tables = yaml.safe_load((ROOT / "workflow/tables/consult.yaml").read_text())
    table, figure = tables["table1"], tables["figure1"]
    table["notes"] = ["one"]
    table["rows"] = [row for row in table["rows"] if row["method"] in methods]
    figure["methods"] = [name for name in figure["methods"] if name in methods]
    write_tables(folder, {"table1": table, "figure1": figure})
    return folder


def write_tables(root: Path, tables: Mapping[str, Any]) -> None:
    """As the one file of tables of a root."""
    file = root / "workflow/tables/consult.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(dict(tables)))


@dataclass
class Forged:
    """A place (`medad.lineage.places`) in memory; ``files``: path -> content.

    ``config``: what `--config` would say. ``code``: module -> hash in every closure that has it.
    ``bytes_of``, ``libraries``, ``machine``: of a kind of step, what its outputs or records have
    that others' have not; keys do not see it. ``bytes_of`` also of one step, by its manifest's
    path. ``unrecorded``: kinds without records.
    """

    root: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    images: Images = field(default_factory=lambda: IMAGES)
    other_files: Mapping[str, str] = field(default_factory=dict)
    bytes_of: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    machine: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unrecorded: tuple[str, ...] = ()
    name: str = "forged"
    _halves: dict[str, manifest.Half] = field(default_factory=dict)
    _records: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for path in self.plan.stage(STAGES["tables"]):
            self._make(found, path)
        return found

    @cached_property
    def plan(self) -> Plan:
        values = {"runs": {**SMALL["runs"], **self.config.get("runs", {})}}
        return Plan(self.root, load(self.root, {**self.config, **values}))

    def has(self, path: str) -> bool:
        return path in self.files

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise MedadError(f"{path}: not forged")
        return self.files[path]

    def under(self, folder: str) -> list[str]:
        """Of records alone, by step: nothing else is listed in a comparison."""
        assert folder.count("/") == 3, folder
        return self._records.get(folder, [])

    def _make(self, found: dict[str, bytes], path: str) -> dict[str, Any]:
        """The manifest of a step, made with all that it rests on."""
        if path in found:
            return manifest.parse(found[path], path)
        kind, identity = layout.parse_manifest(path)
        half = self._half(kind, identity)
        code = {name: self.code.get(name, known) for name, known in half.code.items()}
        half = replace(half, code=code)
        inputs = {}
        for name, source in sorted(layout.inputs(kind, identity, half.params).items()):
            inputs[name] = (source, self._content(found, source, half.params))
        key = manifest.key(half, identity, {name: one for name, (_, one) in inputs.items()})
        paths = layout.outputs(kind, identity, half.params)
        salt = self.bytes_of.get(kind, "") + self.bytes_of.get(path, "")
        outputs = {}
        for name, target in paths.items():
            content = self._bytes(found, f"{kind}.{name}", half, inputs, key + salt)
            found[target] = content
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            outputs[name] = (target, Digest(_sha(content), md5, len(content)))
        made = manifest.build(half, identity, inputs, outputs, {})
        found[path] = canonical_json(made)
        if kind not in self.unrecorded:
            self._record(found, made)
        return made

    def _half(self, kind: str, identity: layout.Identity) -> manifest.Half:
        name = self.plan.key_file(kind, identity)
        if name not in self._halves:
            self._halves[name] = self.plan.half(kind, identity)
        return self._halves[name]

    def _content(self, found: dict[str, bytes], path: str, params: Mapping[str, Any]) -> str:
        made = layout.parse(path)
        if made is None:
            pinned = [name for name, value in params.items() if value == path]
            hashes = [params.get(f"{n.rpartition('_')[0]}_sha256".strip("_")) for n in pinned]
            return str(hashes[0]) if pinned else _sha(canonical_json({"files": self._listing()}))
        outputs = self._make(found, layout.manifest(*made))["outputs"].values()
        return next(str(item["sha256"]) for item in outputs if item["path"] == path)

    def _listing(self) -> dict[str, str]:
        masks = {f"masks/{p}": _sha(m.encode()) for p, (_, _, m) in self.images.items() if m}
        images = {path: _sha(one.encode()) for path, (one, _, _) in self.images.items()}
        # A label that no folder tells: as of a reader with a list of its own.
        labels = _sha(str([label for _, label, _ in self.images.values()]).encode())
        return {**images, **masks, **self.other_files, "labels.csv": labels}

    def _bytes(
        self,
        found: dict[str, bytes],
        output: str,
        half: manifest.Half,
        inputs: Mapping[str, tuple[str, str]],
        seed: str,
    ) -> bytes:
        match output:
            case "index.index":
                return self._index(seed)
            case "index.listing":
                return canonical_json({"files": self._listing()})
            case "score.scores":
                return _parquet(
                    path=list(self.images),
                    label=[label for _, label, _ in self.images.values()],
                    role=["test"] * len(self.images),
                    score=[_number(seed, path) for path in self.images],
                )
            case "metrics.metrics":
                return canonical_json({"auroc": _number(seed, "auroc"), "pro": 0.5})
            case "table.cells":
                return canonical_json({"cells": dict(self._cells(found, half, inputs))})
            case "table.csv":
                return self._csv(found, half, inputs)
        return f"{seed} {output}".encode()

    def _index(self, seed: str) -> bytes:
        rows = sorted(self.images.items())
        return _parquet(
            path=[path for path, _ in rows],
            sha256=[_sha(content.encode()) for _, (content, _, _) in rows],
            label=[label for _, (_, label, _) in rows],
            mask=[f"masks/{path}" if mask else "" for path, (_, _, mask) in rows],
            mask_sha256=[_sha(mask.encode()) if mask else "" for _, (_, _, mask) in rows],
            dhash=[seed] * len(rows),  # whatever else a key may change in an index
        )

    def _cells(
        self,
        found: dict[str, bytes],
        half: manifest.Half,
        inputs: Mapping[str, tuple[str, str]],
    ) -> list[tuple[str, dict[str, Any]]]:
        params = half.params
        cells = []
        for row in params["rows"]:
            for dataset in params["datasets"] if row["method"] in params["methods"] else ():
                for split in params["splits"]:
                    for k in params["shots"]:
                        place = f"{dataset}/{split}/{row['method']}/k{k}"
                        names = [f"metrics/{place}/r{r}" for r in params["draws"]]
                        values = [_number(inputs[name][1], "auroc") for name in names]
                        cell = {
                            "value": sum(values) / len(values),
                            "decimals": 4,
                            "n": len(names),
                            "aggregation": "mean over draws",
                            "metrics": names,
                            "intervals": f"intervals/{dataset}/{split}",
                        }
                        cells.append((f"{dataset}/{split}/{row['label']}/K{k}", cell))
        return cells

    def _csv(
        self,
        found: dict[str, bytes],
        half: manifest.Half,
        inputs: Mapping[str, tuple[str, str]],
    ) -> bytes:
        """Intervals as in the real table: of the own scores, and of the baseline's with them, at
        the own K or at all together."""
        published = {row["label"]: (row["method"], row["published"]) for row in half.params["rows"]}
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        bounds = ("low", "vs_low", "vs_sim_low")
        writer.writerow(["dataset", "split", "row", "shots", "auroc", *bounds, "paper"])
        for name, cell in self._cells(found, half, inputs):
            dataset, split, row, column = name.split("/")
            intervals = manifest.parse(
                found[f"results/metrics/{dataset}/{split}/table1.intervals.manifest.json"], name
            )
            own, baseline = published[row][0], intervals["params"]["baseline"]
            both = () if own == baseline else (own, baseline)
            part = column.replace("K", "k")
            lows = [
                _low(intervals, methods, k) if methods else ""
                for methods, k in (((own,), part), (both, part), (both, ""))
            ]
            paper = published[row][1].get(column, "")
            writer.writerow([dataset, split, row, column[1:], cell["value"], *lows, paper])
        return buffer.getvalue().encode()

    def _record(self, found: dict[str, bytes], made: Mapping[str, Any]) -> None:
        key, kind = made["key"], made["kind"]
        value = {
            "key": key,
            "action": "computed",
            "device": "cpu",
            "libraries": {**LIBRARIES, **self.libraries.get(kind, {})},
            "machine": {**MACHINE, **self.machine.get(kind, {})},
            "repository": {"commit": "c" * 40, "diff": None},
        }
        path = f"results/records/{key[:2]}/{key}/0000000000000001-1.json"
        found[path] = canonical_json(manifest.seal(value))
        self._records[path.rpartition("/")[0]] = [path]


def _low(intervals: Mapping[str, Any], methods: tuple[str, ...], part: str) -> float:
    """A bound that rests on the scores of these methods, at one K ("k4") or at every K ("")."""
    scores = {
        name: item["sha256"]
        for name, item in intervals["inputs"].items()
        if name.startswith("scores/") and name.split("/")[1] in methods and f"/{part}" in name
    }
    rest = {"code": intervals["code"], "params": intervals["params"]["resamples"]}
    return _number(_sha(canonical_json({**rest, "scores": scores})), "low")


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _number(seed: str, what: str) -> float:
    """In [0, 1), told by its name."""
    return int(_sha(f"{seed} {what}".encode())[:12], 16) / 16**12


def _parquet(**columns: list[Any]) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), buffer)
    return bytes(buffer.getvalue().to_pybytes())
