"""Differences to plant in forged results, each with all that is to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from forge import IMAGES

TABLE = "results/tables/table1.csv"
TEXT = "results/tables/table1.md"
FIGURE = "results/figures/phantom/grouped/figure1.png"
FOLDER = {
    "runs": {"datasets": ["folder"], "figures": []},
    "datasets": {"folder": {"reader": "folder", "root": "x"}},
}
OF_FOLDER = {"config": FOLDER}
Tables = dict[str, Any]


def weights(letter: str, file: str = "data/w.pt") -> dict[str, Any]:
    return {"config": {"backbone": {"weights": "file", "file": file, "sha256": letter * 64}}}


def published(tables: Tables) -> None:
    row = next(row for row in tables["table1"]["rows"] if row["label"] == "CONSULT")
    row["published"]["K4"] = 0.9


def retitled(tables: Tables) -> None:
    tables["figure1"]["title"] = "Hot maps"


def annotated(tables: Tables) -> None:
    tables["table1"]["notes"] = ["another"]


def without_padim(tables: Tables) -> None:
    table = tables["table1"]
    table["rows"] = [row for row in table["rows"] if row["method"] != "padim"]


def reordered(tables: Tables) -> None:
    tables["table1"]["rows"] = [dict(reversed(row.items())) for row in tables["table1"]["rows"]]
    tables["table1"]["rows"].reverse()


@dataclass(frozen=True)
class Case:
    """``causes``: the lines expected, {} for eight digits of a hash. ``change``, ``base``: what the
    two results are forged of. ``tables``: what it does to the tables of B."""

    name: str
    causes: list[str]
    change: Mapping[str, Any] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    tables: Callable[[Tables], None] | None = None
    target: str = TABLE


def config(name: str, causes: str | list[str], values: dict[str, Any], **more: Any) -> Case:
    found = [causes] if isinstance(causes, str) else causes
    return Case(name, found, {"config": values}, **more)


def images(name: str, cause: str, **changed: tuple[str, int, str] | None) -> Case:
    every = {**IMAGES, **{key.replace("__", "/") + ".png": one for key, one in changed.items()}}
    kept = {path: one for path, one in every.items() if one is not None}
    return Case(name, [cause], {**OF_FOLDER, "images": kept}, OF_FOLDER)


CONSULT = {"stage1": {"consult": {"tritanh": {"push": 0.7}}}}
NUMPY = {"stage1": {"numpy": "2.3"}}
CASES = [
    config("seed", "seed: 0 -> 1 (30 steps)", {"seed": 1}),
    config("another K", ["K 4: only in A", "K 6: only in B"], {"runs": {"shots": [2, 6]}}),
    config("one more K", "K 8: only in B", {"runs": {"shots": [2, 4, 8]}}),
    config("replicates", "replicate 1: only in B", {"runs": {"replicates": 2}}),
    config("another draw", "replicate: 0 -> 1", {"runs": {"first": 1}}),
    config("split policy", "split policy: grouped -> paper", {"runs": {"splits": ["paper"]}}),
    config("dataset", "dataset: phantom -> phantom_t1", {"runs": {"datasets": ["phantom_t1"]}}),
    config(
        "size of a split",
        "parameter split.validation: 0.15 -> 0.2 (1 step)",
        {"splits": {"grouped": {"validation": 0.2}}},
    ),
    config(
        "images generated",
        "parameter phantom.healthy: 96 -> 90 (1 step)",
        {"datasets": {"phantom": {"healthy": 90}}},
    ),
    config(
        "leakage",
        "parameter index.leakage.correlation: 0.99 -> 0.98 (1 step)",
        {"leakage": {"correlation": 0.98}},
    ),
    config(
        "bad files", "parameter index.on_bad: stop -> skip (1 step)", {"data": {"on_bad": "skip"}}
    ),
    config(
        "synthesis",
        "parameter pairs.points: 5 -> 6 (2 steps)",
        {"synthesis": {"consult": {"points": 6}}},
    ),
    config(
        "epochs",
        "parameter stage1.epochs: 25 -> 3 (2 steps)",
        {"stage1": {"consult": {"epochs": 3}}},
    ),
    config(
        "weight of a loss",
        "parameter stage1.koleo_weight: 0.01 -> 0.5 (2 steps)",
        {"stage1": {"consult": {"koleo_weight": 0.5}}},
    ),
    config("steepness", "parameter stage1.tritanh.push: 0.5 -> 0.7 (2 steps)", CONSULT),
    config(
        "neighbours",
        "parameter score.neighbors: 9 -> 3 (4 steps)",
        {"detectors": {"patchcore": {"neighbors": 3}}},
    ),
    config(
        "definition of a method",
        "parameter dimensions of head, score: 100 -> 30 (4 steps)",
        {"methods": {"padim": {"override": {"detector": {"dimensions": 30}}}}},
    ),
    config(
        "own pairs of a method",
        "parameter pairs.points: 5 -> 6 (2 steps)",
        {"methods": {"consult": {"override": {"synthesis": {"points": 6}}}}},
    ),
    config(
        "a method loses its stage 1",
        "parameter frozen of head, score: false -> true (4 steps)",
        {"runs": {"figures": []}, "methods": {"consult": {"stage1": "none", "synthesis": "none"}}},
    ),
    config(
        "standing of a method",
        'parameter table.standings.padim: ["reading", "a"] -> ["reading", "b"] (1 step)',
        {"methods": {"padim": {"because": "b"}}},
        base={"config": {"methods": {"padim": {"because": "a"}}}},
        target=TEXT,
    ),
    config(
        "resamples",
        "parameter intervals.resamples: 2000 -> 100 (1 step)",
        {"evaluation": {"resamples": 100}},
    ),
    config(
        "smoothing of maps",
        "parameter metrics.smoothing: 4.0 -> 2.0 (6 steps)",
        {"evaluation": {"smoothing": 2.0}},
    ),
    config(
        "smoothing, in a figure",
        "parameter figure.smoothing: 4.0 -> 2.0 (1 step)",
        {"evaluation": {"smoothing": 2.0}},
        target=FIGURE,
    ),
    config(
        "side",
        "parameter side of head, metrics, pairs, score, stage1: 128 -> 64 (22 steps)",
        {"image": {"side": 64}},
    ),
    config("backbone", "backbone: resnet18 -> resnet50", {"backbone": {"name": "resnet50"}}),
    config(
        "normalisation",
        "normalisation of pixels: imagenet -> half",
        {"backbone": {"normalisation": "half"}},
    ),
    Case("other weights", ["weights of the backbone: random -> file"], weights("a")),
    Case(
        "weights file",
        ["file weights file data/w.pt: content differs (aaaaaaaa -> bbbbbbbb)"],
        weights("b"),
        weights("a"),
    ),
    Case(
        "weights file of another name",
        ["file weights file data/v.pt: content differs (aaaaaaaa -> bbbbbbbb)"],
        weights("b", "data/v.pt"),
        weights("a"),
    ),
    config(
        "strict environment",
        "parameter env_policy of 12 kinds of step: recorded -> strict (30 steps)",
        {"env_policy": "strict"},
    ),
    config(
        "threads of training", "threads of stage1: 1 -> 2 (2 steps)", {"threads": {"stage1": 2}}
    ),
    config("threads of scoring", "threads of score: 1 -> 2 (6 steps)", {"threads": {"score": 2}}),
    *(
        Case(
            name,
            [f"module {name}: content differs ({{}} -> ffffffff) ({steps})"],
            {"code": {name: "f" * 64}},
            target=TEXT,
        )
        for name, steps in (
            ("losses/tritanh.py", "2 steps"),
            ("detectors/padim.py", "4 steps"),
            ("reporting/table.py", "1 step"),
            ("data/sampling.py", "2 steps"),
        )
    ),
    Case("published value", ["published value of CONSULT, K4: 0.8841 -> 0.9"], tables=published),
    Case(
        "note of a table",
        ['parameter table.notes: ["one"] -> ["another"] (1 step)'],
        tables=annotated,
        target=TEXT,
    ),
    Case("row of a table", ["method padim: only in A"], tables=without_padim),
    Case(
        "order of a table",
        [
            'parameter order of methods of intervals, table: ["padim", "patchcore", "consult"] -> '
            '["consult", "patchcore", "padim"] (2 steps)'
        ],
        tables=reordered,
    ),
    Case(
        "option of a figure",
        ["parameter figure.title: Heat maps -> Hot maps (1 step)"],
        tables=retitled,
        target=FIGURE,
    ),
    images(
        "image swapped",
        "image healthy/01.png: content differs ({} -> {})",
        healthy__01=("new", 0, ""),
    ),
    images("label", "image healthy/01.png: label healthy -> anomalous", healthy__01=("h1", 1, "")),
    images("image added", "image healthy/99.png: only in B", healthy__99=("new", 0, "")),
    images("image removed", "image healthy/01.png: only in A", healthy__01=None),
    images(
        "image moved",
        "image healthy/01.png: moved healthy/01.png (healthy) -> anomalous/99.png (anomalous)",
        healthy__01=None,
        anomalous__99=("h1", 1, ""),
    ),
    images(
        "mask",
        "image mask anomalous/01.png: content differs ({} -> {})",
        anomalous__01=("a1", 1, "drawn anew"),
    ),
    Case(
        "a file that is no image",
        ["file notes.txt: only in B"],
        {**OF_FOLDER, "other_files": {"notes.txt": "0" * 64}},
        OF_FOLDER,
    ),
    Case(
        "library",
        ["library numpy: 2.4 -> 2.3 (2 steps)"],
        {"bytes_of": {"stage1": "x"}, "libraries": NUMPY},
    ),
    Case(
        "machine",
        ["machine gpu: none -> H100 (2 steps)"],
        {"bytes_of": {"stage1": "x"}, "machine": {"stage1": {"gpu": "H100"}}},
    ),
    Case(
        "library and parameter",
        [
            "parameter stage1.tritanh.push: 0.5 -> 0.7 (2 steps)",
            "library numpy: 2.4 -> 2.3 (2 steps); of steps whose keys differ too, so it may have "
            "had no part",
        ],
        {"config": CONSULT, "libraries": NUMPY},
    ),
    Case(
        "no record",
        [
            "unknown: the same key gave other bytes, and B has no record of where "
            "(results/stage1/phantom/grouped/consult/k2/r0.manifest.json and 1 more)"
        ],
        {"bytes_of": {"stage1": "x"}, "unrecorded": ("stage1",)},
    ),
    Case(
        "nothing that was recorded",
        [
            "unknown: the same key, libraries and machine gave other bytes: not deterministic "
            "(results/heads/phantom/grouped/consult/k2/r0.manifest.json and 5 more)"
        ],
        {"bytes_of": {"head": "x"}},
    ),
]
