"""What a figure of workflow/tables depends on, by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medad import layout, registry
from medad.errors import MedadError
from medad.table_parameters import TABLES

if TYPE_CHECKING:
    from medad.parameters import Parameters

_NOT_A_RESULT = ("kind", "draws", "about", "takes")  # keys that are not a figure's parameters


def of_figure(asked: Parameters, name: str, dataset: str) -> dict[str, Any]:
    """Own options of an entry, and by value what of the configuration it ``takes``."""
    if name not in asked.figures:
        raise MedadError(f"figure: got {name!r}; allowed: {', '.join(asked.figures)}")
    entry, methods, runs = asked.figures[name], asked.figure_methods(name), asked.config.runs
    where, reads = f"{TABLES}: {name}", set(entry["reads"])
    for method in methods:
        if method not in asked.config.methods:
            known = ", ".join(asked.config.methods)
            raise MedadError(f"{where}: method {method!r} is not in methods: {known}")
        adapted = asked.config.methods[method].stage1 != "none"
        if not adapted and (reads & {"pairs", "events"} or "stage1" in entry.get("takes", [])):
            raise MedadError(f"{where}: {method} has no stage 1 to show; name another method")
    if "maps" in reads and not asked.config.evaluation.maps:
        raise MedadError(f"{where}: shows anomaly maps; set evaluation.maps to true")
    for read in sorted(reads - set(layout.READABLE)):
        raise MedadError(f"{where}: reads {read!r}; allowed: {', '.join(layout.READABLE)}")
    draws = [str(entry.get(key, "one")) for key in ("shots", "replicates")]
    if not set(draws) <= {"one", "all"}:
        raise MedadError(f"{where}: shots, replicates: got {draws}; allowed: one, all")
    one = [4 if 4 in runs.shots else runs.shots[0]]
    found: dict[str, Any] = {
        **{key: value for key, value in entry.items() if key not in _NOT_A_RESULT},
        "implementation": registry.lookup(registry.FIGURES, entry["draws"], f"{where}: draws"),
        "methods": methods,
        "shots": one if draws[0] == "one" else runs.shots,
        "draws": runs.draws[:1] if draws[1] == "one" else runs.draws,
    }
    if "table" in entry:
        found["rows"] = asked.tables[entry["table"]]["rows"]
        found["paper_dataset"] = asked.tables[entry["table"]]["dataset"]
    if reads & {"weights", "trunk", "pairs", "events"}:
        backbone = asked.config.backbone.model_dump(include={"name", "weights", "normalisation"})
        for method in methods:
            if asked.backbone(method, dataset) != backbone:
                raise MedadError(f"{where}: {method} has a backbone of its own; show others")
        found["backbone"] = backbone
        found["synthesis_of"] = {method: asked.synthesis_of(method) for method in methods}
    shared = asked.heads(dataset) if "head" in reads else {}
    heads = {m: shared[m] for m in methods if shared.get(m, m) != m}
    takes = entry.get("takes", [])
    return {
        **found,
        **({"heads": heads} if heads else {}),
        **(asked.frame if "side" in takes else {}),
        **{taken: _taken(asked, taken, methods, dataset) for taken in takes},
    }


def _taken(asked: Parameters, name: str, methods: list[str], dataset: str) -> Any:
    """A value of the configuration, or the parameters of a step of every method."""
    config = asked.config
    match name:
        case "side":
            return config.image.side
        case "smoothing" | "healthy_quantile":
            return getattr(config.evaluation, name)
        case "stage1":
            runs = {method: {"method": method, "dataset": dataset} for method in methods}
            return {method: asked.of("stage1", run) for method, run in runs.items()}
        case "synthesis":
            labels = {method: asked.synthesis_of(method) for method in methods}
            return {method: asked.synthesis_params(label) for method, label in labels.items()}
        case "detector":
            return {m: asked.section(config.methods[m], "detector", m) for m in methods}
    allowed = "side, smoothing, healthy_quantile, stage1, synthesis, detector"
    raise MedadError(f"{TABLES}: a figure takes {name!r}; allowed: {allowed}")
