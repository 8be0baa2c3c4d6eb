"""Copies and their effect against what is counted pair by pair, without medad's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from project import Project

from medad import layout
from medad.errors import MedadError
from medad.evaluation.scores import Scores
from medad.files import digest, write_csv, write_json, write_parquet
from medad.lineage import leaks, manifest

PLACE = {"dataset": "brain", "split": "paper"}
RUN = {**PLACE, "method": "m", "k": 2, "r": 0}
# path, content, label, leakage group, pool, validation, test. Two are exact copies with both
# labels, one is a near copy of a shot, and two are slices of one volume.
IMAGES = [
    ("no/1.png", "a", 0, 0, True, False, True),
    ("no/2.png", "a", 0, 0, True, False, True),
    ("no/3.png", "b", 0, 0, True, False, True),
    ("no/4.png", "c", 0, 1, True, False, True),
    ("no/5.png", "d", 0, 2, True, True, False),
    ("no/6.png", "d", 0, 2, False, False, False),
    ("no/7.png", "e", 0, 3, True, False, True),
    ("vol.nii#z=1", "v", 0, 4, True, False, True),
    ("vol.nii#z=2", "v", 0, 4, True, False, True),
    ("yes/1.png", "e", 1, 3, False, False, True),
    ("yes/2.png", "f", 1, 5, False, False, True),
    ("yes/3.png", "g", 1, 5, False, False, True),
    ("yes/4.png", "h", 1, 6, False, False, True),
]
SHOTS = ("no/1.png", "no/5.png")
SCORES = {path: float(value) for value, (path, *_) in enumerate(IMAGES)} | {
    "no/2.png": 0.5,
    "no/3.png": 30.0,
    "yes/2.png": 3.0,
    "yes/3.png": 3.0,
}


def by_pairs(rows: list[tuple[int, float]]) -> float | None:
    """AUROC of (label, score) by comparing every anomalous image with every healthy one."""
    pairs = [(a, h) for label, a in rows for other, h in rows if label == 1 and other == 0]
    won = sum(1.0 if a > h else 0.5 if a == h else 0.0 for a, h in pairs)
    return won / len(pairs) if pairs else None


def done(
    root: Path,
    kind: str,
    identity: layout.Identity,
    written: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Seal what lies in a step's place; parquet columns of one output may be given."""
    outputs = {}
    for name, path in layout.outputs(kind, identity, {"maps": False}).items():
        if written is not None and name in written:
            write_parquet(root / path, written[name])
        outputs[name] = (path, digest(root / path))
    half = manifest.Half(kind, {}, dict(params or {}), 1, {})
    write_json(
        root / layout.manifest(kind, identity),
        manifest.build(half, identity, inputs or {}, outputs, {}),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A split with leaks, one draw of two shots and one run."""
    names = ("path", "sha256", "label", "group", "pool", "validation", "test")
    columns = dict(zip(names, (list(c) for c in zip(*IMAGES, strict=True)), strict=True))
    write_json(
        tmp_path / layout.output("split", PLACE, "leakage"),
        {"policy": "paper", "sizes": {}, "across": {}},
    )
    done(tmp_path, "split", PLACE, {"split": columns})
    drawn = [
        {"rank": 0, "path": path, "sha256": content, "group": group}
        for path, content, _, group, *_ in IMAGES
        if path in SHOTS
    ]
    draw = {**PLACE, "k": 2, "r": 0}
    write_csv(tmp_path / layout.output("shots", draw, "shots"), list(drawn[0]), drawn)
    done(tmp_path, "shots", draw)
    tested = [image for image in IMAGES if image[6] and image[0] not in SHOTS]
    scored = {
        **{name: [image[i] for image in tested] for i, name in enumerate(names[:4])},
        "role": ["test"] * len(tested),
        "score": [SCORES[image[0]] for image in tested],
    }
    done(tmp_path, "score", RUN, {"scores": scored})
    return tmp_path


def test_groups_say_what_their_images_share(root: Path) -> None:
    found = {g["group"]: g for g in leaks.report(root, "brain", "paper")["groups"]}
    assert {g: (v["kinds"], v["conflict"], v["roles"]) for g, v in found.items()} == {
        0: (["exact", "near"], False, ["pool", "test"]),
        2: (["exact"], False, ["pool", "validation"]),
        3: (["exact"], True, ["pool", "test"]),
        4: (["slices of one volume"], False, ["pool", "test"]),
        5: (["near"], False, ["test"]),
    }
    unused = {"path": "no/6.png", "sha256": "d", "label": 0, "roles": []}
    assert found[2]["images"][1] == unused


def test_copies_of_shots_are_named_and_the_shots_are_not_their_own(root: Path) -> None:
    (draw,) = leaks.report(root, "brain", "paper")["draws"]
    assert draw["shots"] == list(SHOTS)
    assert draw["copies"] == [
        {"path": "no/2.png", "role": "test", "shots": ["no/1.png"], "exact": True},
        {"path": "no/3.png", "role": "test", "shots": ["no/1.png"], "exact": False},
    ]


def test_the_effect_is_that_of_counting_pairs(root: Path) -> None:
    report = leaks.report(root, "brain", "paper")
    tested = [image for image in IMAGES if image[6] and image[0] not in SHOTS]
    clean = [image for image in tested if image[3] not in (0, 2)]
    single = [i for i in clean if i[0] not in ("vol.nii#z=2", "yes/3.png")]
    every, left, distinct = (
        by_pairs([(image[2], SCORES[image[0]]) for image in chosen])
        for chosen in (tested, clean, single)
    )
    assert len({every, left, distinct}) == 3
    assert report["runs"] == [
        {
            **{name: RUN[name] for name in ("method", "k", "r")},
            "auroc": every,
            "without_shot_copies": left,
            "without_copies": distinct,
            "images": (len(tested), len(clean), len(single)),
        }
    ]
    (method,) = report["methods"]
    assert (method["auroc"], method["n"]) == (every, 1)
    assert every is not None
    assert left is not None
    assert distinct is not None
    assert method["by_shot_copies"] == pytest.approx(every - left, abs=1e-15)
    assert method["by_copies"] == pytest.approx(every - distinct, abs=1e-15)


def test_draws_of_other_settings_are_not_averaged(root: Path) -> None:
    settings = {0: {"epochs": 20}, 1: {"epochs": 20}, 2: {"epochs": 1}}
    draw = {**PLACE, "k": 2, "r": 0}
    for r, params in settings.items():
        head = layout.output("head", {**RUN, "method": "first", "r": r}, "head")
        (root / head).parent.mkdir(parents=True, exist_ok=True)
        (root / head).write_bytes(b"")
        done(root, "head", {**RUN, "method": "first", "r": r}, params=params)
        for kind, name, first in (("shots", "shots", draw), ("score", "scores", RUN)):
            target = root / layout.output(kind, {**first, "r": r}, name)
            target.write_bytes((root / layout.output(kind, first, name)).read_bytes())
            inputs = {"head": (head, digest(root / head).sha256)} if kind == "score" else {}
            done(root, kind, {**first, "r": r}, inputs=inputs)
    found = leaks.report(root, "brain", "paper")["methods"]
    assert sorted((method["draws"], method["n"]) for method in found) == [([0, 1], 2), ([2], 1)]


def test_a_class_without_images_gives_none() -> None:
    test = Scores(
        path=np.array(["a", "b"]),
        sha256=np.array(["1", "2"]),
        label=np.array([0, 1]),
        group=np.array([0, 1]),
        role=np.array(["test", "test"]),
        score=np.array([0.0, 1.0]),
    )
    assert leaks.effect(test, {0}) == leaks.Effect(1.0, None, None, (2, 1, 1))
    assert leaks.effect(test, set()) == leaks.Effect(1.0, 1.0, 1.0, (2, 2, 2))


def test_what_is_missing_or_changed_is_told(root: Path) -> None:
    with pytest.raises(MedadError, match="brain/other: no such split here; there are: brain/paper"):
        leaks.report(root, "brain", "other")
    scores = root / layout.output("score", RUN, "scores")
    scores.write_bytes(scores.read_bytes() + b" ")
    with pytest.raises(MedadError, match=r"m/k2/r0\.parquet: changed since it was made"):
        leaks.report(root, "brain", "paper")
    scores.unlink()
    with pytest.raises(MedadError, match=r"m/k2/r0\.parquet: missing"):
        leaks.report(root, "brain", "paper")


@pytest.mark.engine
def test_the_phantom_leaks_as_its_files_say(finished: Project) -> None:
    root = finished.root
    report = leaks.report(root, "phantom", "grouped")
    rows = pq.read_table(root / "results/splits/phantom/grouped.parquet").to_pylist()
    sizes: dict[int, int] = {}
    for row in rows:
        sizes[row["group"]] = sizes.get(row["group"], 0) + 1
    assert {g["group"] for g in report["groups"]} == {g for g, n in sizes.items() if n > 1}
    assert len(report["groups"]) == 3  # the duplicates that the phantom was asked for
    assert [len(draw["copies"]) for draw in report["draws"]] == [0, 0]  # grouped keeps them apart
    assert len(report["runs"]) == 6
    for run in report["runs"]:
        path = "results/scores/phantom/grouped/{method}/k{k}/r{r}.parquet".format(**run)
        tested = [r for r in pq.read_table(root / path).to_pylist() if r["role"] == "test"]
        every = by_pairs([(row["label"], row["score"]) for row in tested])
        firsts = {
            (r["group"], r["label"]): r for r in sorted(tested, key=lambda r: r["path"])[::-1]
        }
        single = by_pairs([(row["label"], row["score"]) for row in firsts.values()])
        assert run["auroc"] == run["without_shot_copies"] == every
        assert run["without_copies"] == single
        assert len(firsts) == len(tested) - 1


@pytest.mark.engine
def test_a_cell_has_its_own_runs(finished: Project) -> None:
    table = "results/tables/table1.csv"
    found = leaks.cell(finished.root, table, "padim", "all", None, None)
    assert found["cell"] == "phantom/grouped/PaDiM/all"
    assert [(run["method"], run["k"]) for run in found["runs"]] == [("padim", 2), ("padim", 4)]
    assert np.mean([run["auroc"] for run in found["runs"]]) == pytest.approx(found["number"])
    one = leaks.cell(finished.root, table, "padim", "K4", None, None)
    assert [draw["k"] for draw in one["draws"]] == [4]
    with pytest.raises(MedadError, match="not a table"):
        leaks.cell(finished.root, "results/splits/phantom/grouped.parquet", "a", "b", None, None)
