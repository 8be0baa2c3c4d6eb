"""Which images of a split are copies of one another, and what that does to each AUROC.

Told from artifacts alone: the split with its leakage groups, the draws, and the scores.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad import layout
from medad.data import nifti
from medad.errors import MedadError
from medad.evaluation.auroc import auroc
from medad.evaluation.scores import Scores, read_scores
from medad.files import canonical_json, read_csv, read_json, read_parquet
from medad.lineage import cells, evidence, manifest
from medad.lineage.graph import Graph

ROLES = ("pool", "validation", "test")
Identity = Mapping[str, str | int]
_Draw = tuple[int, int]  # K, replicate


@dataclass(frozen=True)
class Effect:
    """AUROC of one run's test images: of all; without those in a leakage group of one of the
    draw's shots; and of one image a leakage group and label (the first by path), without those too.

    None where a class has no image left. ``images`` counts the test images of each of the three.
    """

    auroc: float | None
    without_shot_copies: float | None
    without_copies: float | None
    images: tuple[int, int, int]


def effect(test: Scores, shot_groups: Collection[int]) -> Effect:
    """The effect of copies on the AUROC of the test images of one run."""
    clean = ~np.isin(test.group, sorted(shot_groups))
    order = np.argsort(test.path, kind="stable")
    units = np.stack([test.group, test.label], axis=1)[order]
    firsts = order[np.unique(units, axis=0, return_index=True)[1]]
    single = np.zeros(len(test), np.bool_)
    single[firsts] = True
    chosen = (np.ones(len(test), np.bool_), clean, clean & single)
    every, left, distinct = (_auroc(test, rows) for rows in chosen)
    counts = (int(rows.sum()) for rows in chosen)
    return Effect(every, left, distinct, (next(counts), next(counts), next(counts)))


def _auroc(test: Scores, rows: NDArray[np.bool_]) -> float | None:
    labels = test.label[rows]
    return auroc(labels, test.score[rows]) if len(np.unique(labels)) == 2 else None


def places(root: Path) -> list[tuple[str, str]]:
    """(dataset, split) of every split there is, sorted."""
    made = filter(None, (layout.parse(path) for path in Graph(root).paths))
    return sorted((str(i["dataset"]), str(i["split"])) for kind, i in made if kind == "split")


def report(root: Path, dataset: str, split: str) -> dict[str, Any]:
    """Leakage of one split, JSON-able.

    ``dataset``, ``split``, ``policy``, ``sizes`` and ``across`` as in the split's leakage report
    (images by role; groups with two different images in two roles). ``groups``: one entry a
    leakage group of several images: ``group``, ``kinds`` (among "exact" for equal bytes, "near",
    "slices of one volume"), ``conflict`` (whether it holds both labels), ``roles``, and ``images``
    with ``path``, ``sha256``, ``label``, ``roles``. ``draws``: ``k``, ``r``, ``shots`` and
    ``copies``, one entry a tested or validation image in a shot's group: ``path``, ``role``,
    ``shots`` (their paths) and ``exact``. ``runs``: ``method``, ``k``, ``r`` and the fields of
    ``Effect``. ``methods``: ``method``, ``k``, ``draws`` (replicates made with the same
    parameters and code: other ones are an entry of their own), their number ``n``, the means of the
    three AUROCs, and ``by_shot_copies`` and ``by_copies``, by how much the AUROC of all images is
    above the other two. Raises MedadError for a split that is not here, and for a file that has
    been changed.
    """
    return _report(root, dataset, split, None)


def cell(
    root: Path, table: str, row: str, column: str, dataset: str | None, split: str | None
) -> dict[str, Any]:
    """``report`` of a cell's split with the cell's own runs and draws, and ``cell``, its name, and
    ``number``, its value."""
    node = Graph(root).of_file(table)
    if node.kind != "table":
        raise MedadError(f"{table}: not a table; give DATASET/SPLIT, or a table, row and column")
    file = evidence.output(root, node, "cells")
    name, found = cells.find(file, row, column, dataset, split)
    inputs = node.manifest["inputs"]
    made = [layout.parse(inputs[run]["path"]) for run in found["metrics"] if run in inputs]
    wanted = [dict(known[1]) for known in made if known is not None]
    if not wanted:
        raise MedadError(f"{table}: its cell map names no run that the table has read")
    place = str(wanted[0]["dataset"]), str(wanted[0]["split"])
    return {"cell": name, "number": found["value"], **_report(root, *place, wanted)}


def _report(
    root: Path, dataset: str, split: str, wanted: Sequence[Identity] | None
) -> dict[str, Any]:
    place = {"dataset": dataset, "split": split}
    if not (root / layout.manifest("split", place)).is_file():
        known = ", ".join("/".join(names) for names in places(root))
        raise MedadError(f"{dataset}/{split}: no such split here; there are: {known or 'none'}")
    rows = read_parquet(_output(root, "split", place, "split"))
    known = read_json(_output(root, "split", place, "leakage"))
    runs = _steps(root, "score", place) if wanted is None else wanted
    draws = _steps(root, "shots", place)
    if wanted is not None:
        draws = [draw for draw in draws if any(_draw(run) == _draw(draw) for run in wanted)]
    shots = {_draw(draw): read_csv(_output(root, "shots", draw, "shots")) for draw in draws}
    effects = [(run, _effect(root, run, shots)) for run in runs]
    return {
        **place,
        "policy": known["policy"],
        "sizes": known["sizes"],
        "across": known["across"],
        "groups": groups(rows),
        "draws": [
            {"k": k, "r": r, "shots": [s["path"] for s in drawn], "copies": copies(rows, drawn)}
            for (k, r), drawn in sorted(shots.items())
        ],
        "runs": [
            {"method": run["method"], "k": run["k"], "r": run["r"], **asdict(found)}
            for run, found in effects
        ],
        "methods": _methods((run, _settings(root, run), found) for run, found in effects),
    }


def groups(rows: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Leakage groups with several images of a split; see ``report``."""
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(rows["group"]):
        members[group].append(position)
    found = []
    for group, positions in sorted(members.items()):
        if len(positions) < 2:
            continue
        images = [
            {
                **{name: rows[name][position] for name in ("path", "sha256", "label")},
                "roles": [role for role in ROLES if rows[role][position]],
            }
            for position in positions
        ]
        held = {role for image in images for role in image["roles"]}
        found.append(
            {
                "group": group,
                "kinds": kinds([(i["path"], i["sha256"]) for i in images]),
                "conflict": len({image["label"] for image in images}) > 1,
                "roles": [role for role in ROLES if role in held],
                "images": images,
            }
        )
    return found


def kinds(images: Iterable[tuple[str, str]]) -> list[str]:
    """What makes images of (path, sha256 of the file) one group: see ``report``.

    Slices of one volume share its hash, so equal pictures are those of equal files and slices.
    """
    pictures = Counter(_picture(path, digest) for path, digest in images)
    files = Counter(digest for digest, _ in pictures)
    kinds = {
        "exact": max(pictures.values()) > 1,
        "near": len(files) > 1,
        "slices of one volume": max(files.values()) > 1,
    }
    return [name for name, there in kinds.items() if there]


def _picture(path: str, digest: str) -> tuple[str, int]:
    parsed = nifti.parse(path)
    return digest, -1 if parsed is None else parsed[1]


def copies(
    rows: Mapping[str, Sequence[Any]], shots: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Test and validation images in a leakage group of one of these shots; see ``report``."""
    drawn = {shot["path"] for shot in shots}
    by_group: dict[int, list[Mapping[str, str]]] = defaultdict(list)
    for shot in shots:
        by_group[int(shot["group"])].append(shot)
    found = []
    columns = ("path", "sha256", "group", "test", "validation")
    for path, digest, group, test, validation in zip(*(rows[c] for c in columns), strict=True):
        if group not in by_group or path in drawn or not (test or validation):
            continue
        near = by_group[group]
        picture = _picture(path, digest)
        found.append(
            {
                "path": path,
                "role": "test" if test else "validation",
                "shots": [shot["path"] for shot in near],
                "exact": any(_picture(s["path"], s["sha256"]) == picture for s in near),
            }
        )
    return found


def _effect(
    root: Path, run: Identity, shots: Mapping[_Draw, Sequence[Mapping[str, str]]]
) -> Effect:
    scores = read_scores(_output(root, "score", run, "scores"))
    drawn = shots.get(_draw(run))
    if drawn is None:
        raise MedadError(f"{layout.output('shots', run, 'shots')}: missing; `dvc pull` brings it")
    return effect(scores.take(scores.rows("test")), {int(shot["group"]) for shot in drawn})


def _settings(root: Path, run: Identity) -> bytes:
    """What the training, head and scores of a run were made with."""
    graph = Graph(root)
    paths = [layout.manifest(kind, run) for kind in ("stage1", "score")]
    made = [graph.alone(path).manifest for path in paths if (root / path).is_file()]
    read = [one["inputs"]["head"]["path"] for one in made if "head" in one["inputs"]]
    heads = [manifest.beside(path) for path in read]
    made += [graph.alone(path).manifest for path in heads if path and (root / path).is_file()]
    return canonical_json([[one["params"], one["code"]] for one in made])


def _methods(effects: Iterable[tuple[Identity, bytes, Effect]]) -> list[dict[str, Any]]:
    """Means over draws, by method, K and settings."""
    several: dict[tuple[str, int, bytes], list[tuple[int, Effect]]] = defaultdict(list)
    for run, settings, found in effects:
        several[str(run["method"]), int(run["k"]), settings].append((int(run["r"]), found))
    rows = []
    for (method, k, _), members in sorted(several.items(), key=lambda one: one[0][:2]):
        draws = [found for _, found in members]
        every = _mean([draw.auroc for draw in draws])
        left = _mean([draw.without_shot_copies for draw in draws])
        distinct = _mean([draw.without_copies for draw in draws])
        rows.append(
            {
                "method": method,
                "k": k,
                "draws": [r for r, _ in members],
                "n": len(draws),
                "auroc": every,
                "without_shot_copies": left,
                "without_copies": distinct,
                "by_shot_copies": _less(every, left),
                "by_copies": _less(every, distinct),
            }
        )
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean, or None when it would be of fewer draws than the others."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _steps(root: Path, kind: str, place: Identity) -> list[dict[str, str | int]]:
    """Identities of the steps of a kind on one dataset and split, in a fixed order."""
    made = (layout.parse(path) for path in Graph(root).paths)
    found = [step for known, step in filter(None, made) if known == kind]
    here = [step for step in found if all(step[name] == value for name, value in place.items())]
    return sorted(here, key=lambda step: (str(step.get("method")), step["k"], step["r"]))


def _draw(run: Identity) -> _Draw:
    return int(run["k"]), int(run["r"])


def _output(root: Path, kind: str, identity: Identity, name: str) -> Path:
    return evidence.output(root, Graph(root).alone(layout.manifest(kind, identity)), name)
