"""From the configuration to the parameters of every step: what its result depends on, by value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from medad import layout, registry
from medad.config.load import section_with
from medad.config.models import Config, Method
from medad.errors import MedadError
from medad.figure_parameters import of_figure
from medad.files import canonical_json
from medad.table_parameters import TABLES, of_intervals, of_sizes, of_table

_FIGURE = ("draws", "title", "source", "about", "reads")  # keys that every figure's entry has


@dataclass(frozen=True)
class Parameters:
    """The parameters that a configuration and the tables of a project root ask for."""

    root: Path
    config: Config

    @cached_property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Every table of workflow/tables by name; one with a ``preset`` only where that is set."""
        return self._entries("table")

    @cached_property
    def sizes(self) -> dict[str, dict[str, Any]]:
        """Every table of workflow/tables that says how large splits are, by name."""
        return self._entries("sizes")

    @cached_property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Every figure of workflow/tables by name; MedadError for an entry without a key."""
        found = self._entries("figure")
        for name, entry in found.items():
            missing = [key for key in _FIGURE if key not in entry]
            if missing or not ("methods" in entry or "table" in entry):
                absent = ", ".join(missing) or "methods, or the table whose methods it shows"
                raise MedadError(f"{TABLES}: {name}: no {absent}; add it")
        return found

    def _entries(self, kind: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        presets = [None, *self.config.preset.split("+")]
        for path in sorted((self.root / TABLES).glob("*.yaml")):
            for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
                if entry["kind"] == kind and entry.get("preset") in presets:
                    found[name] = {key: value for key, value in entry.items() if key != "preset"}
        return found

    def figure_methods(self, figure: str) -> list[str]:
        """Methods a figure shows: those it names, or those of its table."""
        entry = self.figures[figure]
        return list(entry["methods"] if "methods" in entry else self.table_methods(entry["table"]))

    def drawable(self, figure: str) -> bool:
        """Whether the configuration has what a figure shows: its methods, and anomaly maps."""
        has_maps = self.config.evaluation.maps or "maps" not in self.figures[figure]["reads"]
        methods = self.figure_methods(figure)
        return has_maps and all(
            name in self.config.methods and self.obstacle(name) is None for name in methods
        )

    def table_methods(self, table: str) -> list[str]:
        """Methods of a table's rows whose weights are there.

        MedadError for a method that params.yaml does not name.
        """
        rows = self.tables[table]["rows"]
        methods = [row["method"] for row in rows if row["method"] is not None]
        for name in methods:
            if name not in self.config.methods:
                known = ", ".join(self.config.methods)
                raise MedadError(f"{TABLES}: {table}: method {name!r} is not in methods: {known}")
        return [name for name in methods if self.obstacle(name) is None]

    def wanted_tables(self) -> list[str]:
        """Tables of ``runs.tables``; MedadError for one that workflow/tables does not have."""
        for name in self.config.runs.tables:
            if name not in self.tables and name not in self.sizes:
                known = ", ".join([*self.tables, *self.sizes])
                raise MedadError(f"runs.tables: got {name!r}; {TABLES} has: {known}")
        return [name for name in self.config.runs.tables if name in self.tables]

    def wanted_sizes(self) -> list[str]:
        """Tables of ``runs.tables`` that say how large splits are."""
        return [name for name in self.config.runs.tables if name in self.sizes]

    def wanted_figures(self) -> list[str]:
        """Figures of ``runs.figures``; MedadError for one that workflow/tables does not have."""
        for name in self.config.runs.figures:
            if name not in self.figures:
                known = ", ".join(self.figures)
                raise MedadError(f"runs.figures: got {name!r}; {TABLES} has: {known}")
        return self.config.runs.figures

    def backbone_of(self, method: str) -> str:
        """Name of the architecture a method works with."""
        return self.config.methods[method].backbone or self.config.backbone.name

    def weights_of(self, method: str) -> str:
        """Kind of weights that a method's backbone starts from."""
        return self.config.methods[method].weights or self.config.backbone.weights

    def backbone(self, method: str, dataset: str) -> dict[str, str]:
        """What tells the weights that a method starts from on a data set from all others."""
        return {
            "name": self.backbone_of(method),
            "weights": self.weights_of(method),
            "normalisation": self.config.normalisation_of(method, dataset),
        }

    def obstacle(self, method: str) -> str | None:
        """Why a method cannot, or need not, run with this configuration, or None."""
        name, backbone = self.backbone_of(method), self.config.backbone
        own = self.config.methods[method]
        # A training of stage 1 is seeded by its method: another name is another training.
        if own.backbone == backbone.name and own.stage1 == "none":
            here = own.model_copy(update={"backbone": None})
            for other, chosen in self.config.methods.items():
                if chosen.model_dump() == here.model_dump():
                    return f"the backbone is {name} already: the same as {other}"
        if self.weights_of(method) != "file" or name == backbone.name or name in backbone.others:
            return None
        return f"no weights of {name}: give their file in backbone.others"

    def trains(self, figure: str) -> bool:
        """Whether a figure trains again: it then runs with the threads and device of stage 1."""
        return bool(self.figures[figure].get("trains", False))

    def synthesis_of(self, method: str) -> str:
        """Name of the pairs a method trains on; its own when it asks for that or overrides their
        parameters."""
        chosen = self.config.methods[method]
        own = chosen.own_pairs or chosen.override.synthesis
        return f"{chosen.synthesis}-{method}" if own else chosen.synthesis

    def generated(self, dataset: str) -> bool:
        """Whether a step makes the images of a dataset."""
        return self.config.datasets[dataset].reader == "phantom"

    def of(self, kind: str, identity: layout.Identity) -> dict[str, Any]:
        """Parameters of one step; MedadError for a name that is not in params.yaml."""
        return {"seed": self.config.seed, **self._own(kind, identity)}

    def _own(self, kind: str, identity: layout.Identity) -> dict[str, Any]:
        config = self.config
        match kind:
            case "weights":
                name = str(identity["backbone"])
                kind, normalisation = layout.weights_named(str(identity["weights"]))
                none = {"file": None, "sha256": None}
                source = config.backbone.source(name) if kind == "file" else none
                given = {"weights": kind, "normalisation": normalisation}
                return {"name": name, **source, **given}
            case "phantom":
                return config.datasets[str(identity["dataset"])].model_dump(exclude={"reader"})
            case "index":
                reader = config.datasets[str(identity["dataset"])].reader
                return {
                    "reader": reader,
                    "implementation": registry.lookup(registry.READERS, reader, "reader"),
                    "on_bad": config.data.on_bad,
                    "leakage": config.leakage.model_dump(),
                }
            case "split":
                return self._split(str(identity["split"]), str(identity["dataset"]))
            case "shots":
                return {}
            case "pairs":
                return {**self.frame, **self.synthesis_params(str(identity["synthesis"]))}
            case "stage1" | "head" | "score" | "metrics":
                return self._run_params(kind, str(identity["method"]), str(identity["dataset"]))
            case _:
                return self._report_params(kind, identity)

    def heads(self, dataset: str) -> dict[str, str]:
        """Method -> the one whose heads it scores with: the first that learns the same.

        Neither draws nor trainings of heads are seeded by the method; those of stage 1 are.
        """
        if dataset not in self._heads:
            self._heads[dataset] = self._shared(dataset)
        return self._heads[dataset]

    @cached_property
    def _heads(self) -> dict[str, dict[str, str]]:
        return {}

    def _shared(self, dataset: str) -> dict[str, str]:
        first: dict[bytes, str] = {}
        found = {name: name for name in self.config.methods}
        for name, method in self.config.methods.items():
            if method.stage1 == "none" and self.obstacle(name) is None:
                learned = canonical_json(self._run_params("head", name, dataset))
                found[name] = first.setdefault(learned, name)
        return found

    @property
    def frame(self) -> dict[str, Any]:
        """What part of an image is seen; without a crop, its side alone."""
        image = self.config.image
        return {"side": image.side} if image.resize is None else image.model_dump()

    def _split(self, policy: str, dataset: str) -> dict[str, Any]:
        section = getattr(self.config.splits, policy).model_dump()
        if policy == "adfa":
            if dataset not in section["numbers"]:
                raise MedadError(
                    f"splits.adfa.numbers: has no {dataset}; add its numbers of images, or leave "
                    "adfa out of runs.splits"
                )
            section = section["numbers"][dataset]
        return {"policy": policy, **section}

    def synthesis_params(self, label: str) -> dict[str, Any]:
        """Parameters of the pairs of this name; see ``synthesis_of``."""
        for name, method in self.config.methods.items():
            if method.synthesis != "none" and self.synthesis_of(name) == label:
                section = getattr(self.config.synthesis, method.synthesis)
                every = {**registry.SYNTHESES, **registry.LEAKY_SYNTHESES}
                leaky = method.synthesis in registry.LEAKY_SYNTHESES
                return {
                    "implementation": registry.lookup(every, method.synthesis, "synthesis"),
                    "source": "test" if leaky else "synthetic",
                    **section_with(section, method.override.synthesis, f"methods.{name}"),
                }
        raise MedadError(f"synthesis: no method uses {label!r}")

    def _run_params(self, kind: str, name: str, dataset: str) -> dict[str, Any]:
        config = self.config
        if name not in config.methods:
            raise MedadError(f"method: got {name!r}; params.yaml has: {', '.join(config.methods)}")
        method, evaluation = config.methods[name], config.evaluation
        if kind == "metrics":
            return {
                **self.frame,
                "maps": evaluation.maps,
                "smoothing": evaluation.smoothing,
                "healthy_quantile": evaluation.healthy_quantile,
            }
        common = {**self.frame, "backbone": self.backbone(name, dataset)}
        if kind == "stage1":
            return {
                **common,
                "implementation": registry.lookup(registry.STAGE1, method.stage1, "stage1"),
                "synthesis": self.synthesis_of(name),
                **self.section(method, "stage1", name),
            }
        section = self.section(method, "detector", name)
        made = registry.lookup(registry.EVERY_DETECTOR, method.detector, "detector")
        detector: dict[str, Any] = {**self.frame, "implementation": made}
        if method.detector in registry.IMAGE_DETECTORS:
            # Only one that the backbone teaches depends on it.
            taught = method.detector in registry.TAUGHT_DETECTORS
            taught |= section.get("teacher") == "distil"
            detector |= {"reads": "images", **(common if taught else {})}
        else:
            detector |= {**common, "reads": "features", "frozen": method.stage1 == "none"}
            detector |= {"trains": True} if method.detector in registry.TRAINED_DETECTORS else {}
        if kind == "head":
            scoring = registry.SCORING.get(method.detector, frozenset())
            return detector | {key: section[key] for key in section if key not in scoring}
        head = self.heads(dataset)[name]
        shared = {"head": head} if head != name else {}
        return detector | section | {"maps": evaluation.maps, **shared}

    def section(self, method: Method, part: str, name: str) -> dict[str, Any]:
        """Keys of the section that a method names as its ``part``, stage1 or detector."""
        sections = self.config.stage1 if part == "stage1" else self.config.detectors
        section = getattr(sections, getattr(method, part))
        return section_with(section, getattr(method.override, part), f"methods.{name}.{part}")

    def _report_params(self, kind: str, identity: layout.Identity) -> dict[str, Any]:
        match kind:
            case "figure":
                return of_figure(self, str(identity["figure"]), str(identity["dataset"]))
            case "sizes":
                return of_sizes(self, str(identity["sizes"]))
            case "intervals":
                return of_intervals(self, str(identity["table"]))
            case _:
                return of_table(self, str(identity["table"]))
