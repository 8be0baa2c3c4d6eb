"""Where every artifact lies, and which artifacts a step reads: pure functions of its identity.

The stem of a step plus a suffix is a path below the project's root. The dataset and the split
are parts of every path but those of tables, which hold several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from medad.errors import MedadError
from medad.shot_counts import parse as parse_count
from medad.shot_counts import text

Identity = Mapping[str, str | int]

STEMS = {
    "weights": "results/weights/{backbone}.{weights}",
    "phantom": "results/index/{dataset}/images",
    "index": "results/index/{dataset}/index",
    "split": "results/splits/{dataset}/{split}",
    "shots": "results/shots/{dataset}/{split}/k{k}/r{r}",
    "pairs": "results/pairs/{dataset}/{split}/{synthesis}/k{k}/r{r}",
    "stage1": "results/stage1/{dataset}/{split}/{method}/k{k}/r{r}",
    "head": "results/heads/{dataset}/{split}/{method}/k{k}/r{r}",
    "score": "results/scores/{dataset}/{split}/{method}/k{k}/r{r}",
    "metrics": "results/metrics/{dataset}/{split}/{method}/k{k}/r{r}",
    "intervals": "results/metrics/{dataset}/{split}/{table}.intervals",
    "sizes": "results/tables/{sizes}",
    "table": "results/tables/{table}",
    "figure": "results/figures/{dataset}/{split}/{figure}",
}
SUFFIXES: dict[str, dict[str, str]] = {
    "weights": {"weights": ".safetensors"},
    "phantom": {"images": ".zip"},
    "index": {
        "index": ".parquet",
        "skipped": ".skipped.csv",
        "listing": ".listing.json",
        "counts": ".counts.json",
    },
    "split": {"split": ".parquet", "leakage": ".leakage.json"},
    "shots": {"shots": ".csv"},
    "pairs": {"pairs": ".npz", "sheet": ".png"},
    "stage1": {"weights": ".safetensors", "events": ".events.jsonl"},
    "head": {"head": ".safetensors"},
    "score": {"scores": ".parquet", "maps": ".maps.npz"},
    "metrics": {"metrics": ".json"},
    "intervals": {"intervals": ".json"},
    "sizes": {"csv": ".csv", "markdown": ".md"},
    "table": {"csv": ".csv", "markdown": ".md", "cells": ".cells.json"},
    "figure": {"figure": ".png"},
}
MANIFEST = ".manifest.json"
LISTING = ".prov/raw/{dataset}.json"
# What a figure may read, by the name it uses -> the kind of step that makes it, and which output.
READABLE = {
    "index": ("index", "index"),
    "split": ("split", "split"),
    "shots": ("shots", "shots"),
    "weights": ("weights", "weights"),  # the backbone that stage 1 starts from
    "pairs": ("pairs", "pairs"),
    "events": ("stage1", "events"),
    "trunk": ("stage1", "weights"),  # of a method without stage 1, the backbone
    "head": ("head", "head"),
    "scores": ("score", "scores"),
    "maps": ("score", "maps"),
    "metrics": ("metrics", "metrics"),
    "intervals": ("intervals", "intervals"),
}
# What stands for a part of a path; by default a name. Tables that hold no AUROC go by theirs.
_VALUES = {"k": "[0-9]+|full", "r": "[0-9]+", "sizes": "adfa_table2"}
_COUNTED = {"k", "r"}


def stem(kind: str, identity: Identity) -> str:
    """Path of a step's artifacts without their suffixes."""
    fields = {**identity, "k": text(identity["k"])} if "k" in identity else identity
    return STEMS[kind].format(**fields)


def weights_name(weights: str, normalisation: str) -> str:
    """Of weights in paths: their kind, and how pixels are normalised unless as ImageNet's are."""
    return weights if normalisation == "imagenet" else f"{weights}-{normalisation}"


def weights_named(name: str) -> tuple[str, str]:
    """Kind and normalisation of what ``weights_name`` has named."""
    weights, _, normalisation = name.partition("-")
    return weights, normalisation or "imagenet"


def manifest(kind: str, identity: Identity) -> str:
    """Path of a step's manifest."""
    return stem(kind, identity) + MANIFEST


def output(kind: str, identity: Identity, name: str) -> str:
    """Path of one output of a step."""
    return stem(kind, identity) + SUFFIXES[kind][name]


def outputs(kind: str, identity: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    """Every output of a step with these parameters; anomaly maps are optional."""
    suffixes = dict(SUFFIXES[kind])
    if kind == "score" and not params["maps"]:
        del suffixes["maps"]
    return {name: stem(kind, identity) + suffix for name, suffix in suffixes.items()}


def parse(path: str) -> tuple[str, dict[str, str | int]] | None:
    """Kind and identity of the step that owns ``path``, or None for a file no step makes."""
    for kind, template in STEMS.items():
        for suffix in (*SUFFIXES[kind].values(), MANIFEST):
            found = re.fullmatch(_pattern(template) + re.escape(suffix), path)
            if found:
                return kind, {
                    key: parse_count(value) if key in _COUNTED else value
                    for key, value in found.groupdict().items()
                }
    return None


def parse_manifest(path: str) -> tuple[str, dict[str, str | int]]:
    """Kind and identity of a manifest's step; MedadError for any other path."""
    found = parse(path) if path.endswith(MANIFEST) else None
    if found is None:
        raise MedadError(f"{path}: not the manifest of a step")
    return found


def inputs(kind: str, identity: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    """Name -> path of everything whose content a step's result depends on."""
    run = {
        key: identity[key] for key in ("dataset", "split", "method", "k", "r") if key in identity
    }
    match kind:
        case "weights":
            return {"file": params["file"]} if params["weights"] == "file" else {}
        case "phantom":
            return {}
        case "index":
            if params["reader"] == "phantom":
                return {"images": output("phantom", identity, "images")}
            return {"listing": LISTING.format(**identity)}
        case "split":
            return {"index": output("index", identity, "index")}
        case "shots":
            return {"split": output("split", identity, "split")}
        case "pairs":
            shots = {"shots": output("shots", identity, "shots")}
            if params["source"] == "synthetic":
                return shots
            tested = ("split", "index")
            return {**shots, **{kind: output(kind, identity, kind) for kind in tested}}
        case "stage1":
            pairs = {**run, "synthesis": params["synthesis"]}
            return {"pairs": output("pairs", pairs, "pairs"), "weights": _published(params)}
        case "head":
            return {"shots": output("shots", run, "shots"), **_learned_from(run, params)}
        case "score":
            images_alone = params["reads"] == "images"
            return {
                "split": output("split", run, "split"),
                "shots": output("shots", run, "shots"),
                **({} if images_alone else _learned_from(run, params)),
                "head": output(
                    "head", {**run, "method": params.get("head", run["method"])}, "head"
                ),
            }
        case "metrics":
            return {
                "index": output("index", run, "index"),
                **_scored(run, params["maps"]),
            }
        case "intervals":
            return _compared(identity, params)
        case "sizes":
            return _counted(params)
        case "table":
            return _tabulated(identity, params)
        case _:
            return _pictured(identity, params)


def _published(params: Mapping[str, Any]) -> str:
    backbone = params["backbone"]
    weights = weights_name(backbone["weights"], backbone["normalisation"])
    return output("weights", {"backbone": backbone["name"], "weights": weights}, "weights")


def _learned_from(run: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    """What a head rests on beside the shots: a trunk; or, for a detector that reads images, its
    teacher, or the trunk the teacher learns from, and natural images."""
    if params["reads"] == "features":
        frozen = params["frozen"]
        return {"weights": _published(params) if frozen else output("stage1", run, "weights")}
    natural = "images" in (params.get("penalty"), params.get("distil_on"))
    found = {"natural": params["natural_images"]} if natural else {}
    if params.get("teacher") == "file":
        return {**found, "teacher": params["teacher_file"]}
    return {**found, "weights": _published(params)} if "backbone" in params else found


def _scored(run: Identity, maps: bool) -> dict[str, str]:
    names = ["scores", "maps"] if maps else ["scores"]
    return {name: output("score", run, name) for name in names}


def _compared(identity: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for k in params["shots"]:
        for r in params["draws"]:
            draw = {"dataset": identity["dataset"], "split": identity["split"], "k": k, "r": r}
            found[f"shots/k{text(k)}/r{r}"] = output("shots", draw, "shots")
            for method in params["methods"]:
                run = {**draw, "method": method}
                found[f"scores/{method}/k{text(k)}/r{r}"] = output("score", run, "scores")
    return found


def _counted(params: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for dataset in params["datasets"]:
        found[f"counts/{dataset}"] = output("index", {"dataset": dataset}, "counts")
        for split in params["splits"]:
            place = {"dataset": dataset, "split": split}
            found[f"leakage/{dataset}/{split}"] = output("split", place, "leakage")
    return found


def _tabulated(identity: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    stating = {row["method"] for row in params["rows"] if "fact" in row}
    for dataset in params["datasets"]:
        for split in params["splits"]:
            place = {"dataset": dataset, "split": split}
            names = {**place, "table": identity["table"]}
            found[f"intervals/{dataset}/{split}"] = output("intervals", names, "intervals")
            for method in params["methods"]:
                for k in params["shots"]:
                    for r in params["draws"]:
                        run = {**place, "method": method, "k": k, "r": r}
                        name = f"{dataset}/{split}/{method}/k{text(k)}/r{r}"
                        found[f"metrics/{name}"] = output("metrics", run, "metrics")
                        if method in stating:
                            found[f"stage1/{name}"] = output("stage1", run, "weights")
    return found


def _pictured(identity: Identity, params: Mapping[str, Any]) -> dict[str, str]:
    """What ``params["reads"]`` names: ``index``, ``shots/k4/r0``, ``scores/<method>/k4/r0``."""
    place = {"dataset": identity["dataset"], "split": identity["split"]}
    draws = [(k, r) for k in params["shots"] for r in params["draws"]]
    found = {}
    for name in params["reads"]:
        kind, item = READABLE[name]
        if kind == "weights":
            found[name] = _published(params)
        elif kind == "intervals":
            found[name] = output(kind, {**place, "table": params["table"]}, item)
        elif kind in ("index", "split"):
            found[name] = output(kind, place, item)
        elif kind == "shots":
            for k, r in draws:
                found[f"{name}/k{text(k)}/r{r}"] = output(kind, {**place, "k": k, "r": r}, item)
        else:
            for method in params["methods"]:
                for k, r in draws:
                    run = {**place, "method": method, "k": k, "r": r}
                    found[f"{name}/{method}/k{text(k)}/r{r}"] = _of_run(name, run, params)
    return found


def _of_run(name: str, run: Identity, params: Mapping[str, Any]) -> str:
    kind, item = READABLE[name]
    if kind == "head":
        run = {**run, "method": params.get("heads", {}).get(run["method"], run["method"])}
    if kind not in ("pairs", "stage1"):
        return output(kind, run, item)
    synthesis = params["synthesis_of"][run["method"]]
    if name == "trunk" and synthesis == "none":
        return _published(params)
    return output(kind, {**run, "synthesis": synthesis}, item)


@cache
def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    pattern = ""
    for position, part in enumerate(parts):
        if position % 2 == 0:
            pattern += re.escape(part)
        else:
            pattern += f"(?P<{part}>{_VALUES.get(part, r'[A-Za-z0-9_-]+')})"
    return pattern
