"""From the configuration to the key files, inputs and outputs of every step.

The Snakefile asks here what a rule makes and needs; nothing else reads the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from medad import layout
from medad.config.models import Config
from medad.lineage import environment
from medad.lineage.closure import closure, module_of
from medad.lineage.manifest import Half
from medad.parameters import Parameters
from medad.shot_counts import parse, text

# What names a key file: the identity fields that choose parameters. K and replicate never do.
NAMES = {
    "weights": ("backbone", "weights"),
    "phantom": ("dataset",),
    "index": ("dataset",),
    "split": ("dataset", "split"),
    "shots": ("dataset", "split"),
    "pairs": ("dataset", "synthesis"),
    "stage1": ("dataset", "method"),
    "head": ("dataset", "method"),
    "score": ("dataset", "method"),
    "metrics": ("dataset", "method"),
    "intervals": ("table", "dataset", "split"),
    "sizes": ("sizes",),
    "table": ("table",),
    "figure": ("figure", "dataset", "split"),
}
# The identity fields over which one job loops: few jobs, many steps.
LOOPS = {
    "shots": ("k", "r"),
    "pairs": ("k", "r"),
    "stage1": ("r",),
    "head": ("k", "r"),
    "score": ("r",),
    "metrics": ("k", "r"),
}
# DVC's milestones: the kinds of steps that each holds.
STAGES = {
    "data": ("weights", "phantom", "index", "split"),
    "draws": ("shots", "pairs"),
    "pretraining": ("stage1",),
    "heads": ("head",),
    "scores": ("score", "metrics", "intervals"),
    "tables": ("table", "sizes", "figure"),
}
_READS_IMAGES = ("pairs", "head", "score", "metrics", "figure")
_THREADS = {
    "weights": "data",
    "phantom": "data",
    "index": "data",
    "split": "data",
    "shots": "data",
    "metrics": "report",
    "intervals": "report",
    "sizes": "report",
    "table": "report",
    "figure": "report",
}


@dataclass(frozen=True)
class Plan:
    """What the configuration asks for, below one project root."""

    root: Path
    config: Config

    @cached_property
    def parameters(self) -> Parameters:
        """What each step's result depends on, by value."""
        return Parameters(self.root, self.config)

    # -- the half of a key that is no input ---------------------------------------------------

    def key_file(self, kind: str, identity: layout.Identity) -> str:
        """Path of the key file of a step."""
        names = ".".join(str(identity[name]) for name in NAMES[kind])
        return f".prov/keys/{kind}/{names}.json"

    def half(self, kind: str, identity: layout.Identity) -> Half:
        """Parameters, code and threads of a step, by value."""
        params = self.parameters.of(kind, identity)
        specs = [v for v in params.values() if isinstance(v, str) and v.startswith("medad.")]
        code = closure([f"medad.steps.{kind}", *(module_of(spec) for spec in specs)])
        # A figure that trains again is to get the same bits as stage 1.
        as_kind = "stage1" if params.get("trains") else _THREADS.get(kind, kind)
        threads = getattr(self.config.threads, as_kind)
        strict = self.config.env_policy == "strict"
        versions = {**environment.libraries(), **environment.machine()} if strict else {}
        return Half(kind, code, params, threads, versions)

    def halves(self) -> dict[str, dict[str, Any]]:
        """Key file -> content, for every step the configuration can reach."""
        found = {}
        for kind in layout.STEMS:
            for identity in self._named(kind):
                found[self.key_file(kind, identity)] = asdict(self.half(kind, identity))
        return found

    def _named(self, kind: str) -> list[dict[str, str]]:
        config, asked = self.config, self.parameters
        methods = [name for name in config.methods if asked.obstacle(name) is None]
        values: dict[str, list[str]] = {
            "dataset": config.runs.datasets,
            "split": config.runs.splits,
            "method": methods,
            "synthesis": sorted({asked.synthesis_of(m) for m in config.methods} - {"none"}),
            "table": list(asked.tables),
            "sizes": list(asked.sizes),
            "figure": [name for name in asked.figures if asked.drawable(name)],
        }
        if kind == "phantom":
            values["dataset"] = [d for d in values["dataset"] if asked.generated(d)]
        if kind == "stage1":
            values["method"] = [n for n in methods if config.methods[n].stage1 != "none"]
        if kind == "weights":
            return self._weights(methods)
        names = NAMES[kind]
        return _products({name: values[name] for name in names})

    def _weights(self, methods: Iterable[str]) -> list[dict[str, str]]:
        """Architecture and weights of each method's backbone on each data set, each pair once."""
        pairs = set()
        for method, dataset in product(methods, self.config.runs.datasets):
            found = self.parameters.backbone(method, dataset)
            name = layout.weights_name(found["weights"], found["normalisation"])
            pairs.add((found["name"], name))
        return [{"backbone": backbone, "weights": weights} for backbone, weights in sorted(pairs)]

    # -- what Snakemake asks ------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """Wildcard -> pattern of the names there are, so that Snakemake refuses any other."""
        known: dict[str, Iterable[str]] = {
            "dataset": self.config.datasets,
            "split": type(self.config.splits).model_fields,
            "method": self.config.methods,
            "table": self.parameters.tables,
            "sizes": self.parameters.sizes,
            "figure": self.parameters.figures,
        }
        return {
            name: "|".join(re.escape(value) for value in values) for name, values in known.items()
        }

    def targets(self, kind: str, wildcards: Mapping[str, str]) -> list[dict[str, str | int]]:
        """Identities of the steps one job of a rule runs, in order."""
        runs = self.config.runs
        values: dict[str, list[int]] = {"k": runs.shots, "r": runs.draws}
        fixed: dict[str, str | int] = {
            name: parse(value) if name == "k" else value for name, value in wildcards.items()
        }
        loops = _products({name: values[name] for name in LOOPS.get(kind, ())})
        return [{**fixed, **loop} for loop in loops]

    def patterns(self, kind: str) -> dict[str, list[str]]:
        """Output name -> the paths one job makes, with the job's own wildcards left open."""
        names = [name for name in _fields(kind) if name not in LOOPS.get(kind, ())]
        open_ = {name: f"{{{name}}}" for name in names}
        steps = [{**open_, **s} for s in self.targets(kind, {})]
        params = {"maps": self.config.evaluation.maps}
        found = {
            name: [layout.outputs(kind, step, params)[name] for step in steps]
            for name in layout.outputs(kind, steps[0], params)
        }
        return {**found, "manifests": [layout.manifest(kind, step) for step in steps]}

    def needs(self, kind: str, wildcards: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """(small files to track, big files to have) of one job: manifests stand for content."""
        tracked: dict[str, None] = {}
        big: dict[str, None] = {}
        for identity in self.targets(kind, wildcards):
            params = self.parameters.of(kind, identity)
            for path in layout.inputs(kind, identity, params).values():
                made = layout.parse(path)
                if made is None:
                    # A weights file is pinned by its hash, a parameter: it may be absent here.
                    if path.startswith(".prov/"):
                        tracked[path] = None
                else:
                    tracked[layout.manifest(*made)] = None
                    big[path] = None
            if kind in _READS_IMAGES and self.parameters.generated(str(identity["dataset"])):
                big[layout.output("phantom", identity, "images")] = None
        return list(tracked), list(big)

    def stage(self, kinds: tuple[str, ...]) -> list[str]:
        """Manifests of every step of these kinds that the configuration asks for."""
        found: list[str] = []
        for kind in kinds:
            for names in self._wanted(kind):
                found += [layout.manifest(kind, step) for step in self.targets(kind, names)]
        return list(dict.fromkeys(found))

    def target(self, name: str) -> list[str]:
        """Files of a target: of `all`, of a milestone (`stage_<name>`), or the file it is.

        A step above a table counts as there by its manifest; tables and figures themselves by all
        their files.
        """
        stage = "tables" if name == "all" else name.removeprefix("stage_")
        if stage not in STAGES:
            return [name]
        found = self.stage(STAGES[stage])
        if stage == "tables":
            steps = [layout.parse_manifest(path) for path in found]
            found += [
                path for kind, step in steps for path in layout.outputs(kind, step, {}).values()
            ]
        return found

    def _wanted(self, kind: str) -> list[dict[str, str]]:
        asked = self.parameters
        tables = asked.wanted_tables()
        figures = [figure for figure in asked.wanted_figures() if asked.drawable(figure)]
        methods = {method for table in tables for method in asked.table_methods(table)}
        methods |= {method for figure in figures for method in asked.figure_methods(figure)}
        used = {
            "table": set(tables),
            "sizes": set(asked.wanted_sizes()),
            "figure": set(figures),
            "method": methods,
            "synthesis": {asked.synthesis_of(method) for method in methods},
        }
        keep: list[dict[str, str]] = []
        if kind == "weights":
            return self._weights(methods)
        for names in self._named(kind):
            if kind == "head":
                used["method"] = {asked.heads(names["dataset"])[m] for m in methods}
            if any(names[field] not in among for field, among in used.items() if field in names):
                continue
            splits = [{"split": s} for s in self.config.runs.splits]
            missing = "split" in _fields(kind) and "split" not in names
            for extra in splits if missing else [{}]:
                shots = [{"k": text(k)} for k in self.config.runs.shots]
                for k in shots if "k" in _fields(kind) and "k" not in LOOPS[kind] else [{}]:
                    keep.append({**names, **extra, **k})
        return keep


T = TypeVar("T")


def _products(values: Mapping[str, list[T]]) -> list[dict[str, T]]:
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def _fields(kind: str) -> list[str]:
    template = layout.STEMS[kind]
    return [part.partition("}")[0] for part in template.split("{")[1:]]
