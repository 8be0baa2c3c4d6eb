"""The score step: which rows, which order, and the cache changes nothing."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from feature_pyramid import take

from medad.backbones import checkpoint
from medad.backbones.feature_cache import extract
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.data.frame import Frame, load_frame
from medad.detectors.adfa import Adfa
from medad.detectors.fanogan import FAnoGan
from medad.detectors.patchcore import PatchCore
from medad.detectors.scores import Scores
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import (
    read_npz,
    read_parquet,
    sha256,
    write_csv,
    write_parquet,
    write_safetensors,
)
from medad.steps.score import run
from medad.task import Task

PARAMS = {
    "seed": 0,
    "implementation": "medad.detectors.patchcore:PatchCore",
    "side": 32,
    "frozen": True,
    "reads": "features",
    "maps": True,
    "layers": [2, 3],
    "pool": 3,
    "coreset": 0.5,
    "neighbors": 9,
    "reweight": True,
    "smooth": 0.0,
}
FANOGAN = {
    "seed": 0,
    "implementation": "medad.detectors.fanogan:FAnoGan",
    "side": 40,
    "reads": "images",
    "maps": True,
    "resolution": 32,
    "latent": 4,
    "epochs": 1,
    "encoder_epochs": 1,
    "batch": 32,
    "n_critic": 5,
    "critic_count": "epoch",
    "penalty": 10.0,
    "kappa": 1.0,
    "learning_rate": 2.0e-4,
    "beta1": 0.5,
    "legacy": False,
}
#              0 shot, pool and test; 1 test; 2 both; 3 validation; 4 pool; 5 test; 6 copy of 1
POOL = [True, True, False, False, True, False, False]
VALIDATION = [False, False, True, True, False, False, False]
TEST = [True, True, True, False, False, True, True]


@pytest.fixture
def task(tmp_path):
    torch.set_num_threads(1)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        cv2.imwrite(str(images / f"{number}.png"), pixels)
    (images / "6.png").write_bytes((images / "1.png").read_bytes())
    names = [f"{number}.png" for number in range(7)]
    split = {
        "path": names,
        "sha256": [hashlib.sha256((images / name).read_bytes()).hexdigest() for name in names],
        "label": [0, 0, 0, 0, 0, 1, 0],
        "group": [0, 1, 2, 3, 4, 5, 1],
        "pool": POOL,
        "validation": VALIDATION,
        "test": TEST,
    }
    write_parquet(tmp_path / "split.parquet", split)
    shot = {"rank": 0, **{name: split[name][0] for name in ("path", "sha256", "group")}}
    write_csv(tmp_path / "shots.csv", list(shot), [shot])
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    checkpoint.save(tmp_path / "weights.safetensors", trunk, {})
    detector = PatchCore.of(PARAMS)
    first = [(split["path"][0], split["sha256"][0])]
    detector.fit(extract(trunk, images, first, Frame(32), (2, 3), "cpu"), np.random.default_rng(0))
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    return Task(
        kind="score",
        identity={"dataset": "d", "split": "s", "method": "patchcore", "k": 1, "r": 0},
        params=PARAMS,
        inputs={
            "split": tmp_path / "split.parquet",
            "shots": tmp_path / "shots.csv",
            "weights": tmp_path / "weights.safetensors",
            "head": tmp_path / "head.safetensors",
        },
        outputs={"scores": tmp_path / "scores.parquet", "maps": tmp_path / "maps.npz"},
        scratch=tmp_path / "scratch",
        cache=tmp_path / "cache",
        live=tmp_path / "live.jsonl",
        locations={"images": images},
    )


def test_rows_roles_and_maps(task):
    run(task)
    scores = read_parquet(task.outputs["scores"])
    assert list(scores) == ["path", "sha256", "label", "group", "role", "score"]
    assert scores["path"] == ["1.png", "2.png", "3.png", "5.png", "6.png"]
    assert scores["role"] == ["test", "test", "validation", "test", "test"]
    assert scores["label"] == [0, 0, 0, 1, 0]
    assert scores["score"][0] == scores["score"][4] > 0
    maps = read_npz(task.outputs["maps"])
    assert list(maps) == ["maps"]
    assert (maps["maps"].shape, maps["maps"].dtype) == ((5, 4, 4), np.float16)


def test_the_cache_changes_no_byte(task, tmp_path):
    run(task)
    assert list((tmp_path / "cache").rglob("*.npy"))
    cached = {name: sha256(path) for name, path in task.outputs.items()}
    run(task)
    assert {name: sha256(path) for name, path in task.outputs.items()} == cached
    direct = replace(task, params={**PARAMS, "frozen": False}, cache=tmp_path / "none")
    run(direct)
    assert {name: sha256(path) for name, path in task.outputs.items()} == cached
    assert not (tmp_path / "none").exists()


def test_a_trunk_that_stage_1_left_as_it_was_is_embedded_once_too(task, tmp_path):
    run(task)
    expected = {name: sha256(path) for name, path in task.outputs.items()}
    trunk = checkpoint.load(task.inputs["weights"])
    for flag, cached in ((False, False), (True, True)):
        checkpoint.save(tmp_path / "adapted.safetensors", trunk, {"unchanged": flag})
        inputs = {**task.inputs, "weights": tmp_path / "adapted.safetensors"}
        params = {**PARAMS, "frozen": False}
        run(replace(task, inputs=inputs, params=params, cache=tmp_path / f"cache {flag}"))
        assert (tmp_path / f"cache {flag}").exists() == cached
        assert {name: sha256(path) for name, path in task.outputs.items()} == expected


def test_one_extraction_serves_other_draws(task, tmp_path):
    run(task)
    before = sorted((tmp_path / "cache").rglob("*.npy"))
    split = read_parquet(task.inputs["split"])
    shot = {"rank": 0, **{name: split[name][1] for name in ("path", "sha256", "group")}}
    write_csv(tmp_path / "other.csv", list(shot), [shot])
    texts = []
    other = replace(
        task,
        inputs={**task.inputs, "shots": tmp_path / "other.csv"},
        report=lambda done, total, text: texts.append(text),
    )
    run(other)
    assert sorted((tmp_path / "cache").rglob("*.npy")) == before
    assert set(texts) == {"images"}
    paths = read_parquet(task.outputs["scores"])["path"]
    assert paths == ["0.png", "2.png", "3.png", "5.png", "6.png"]


def test_without_maps(task):
    outputs = {"scores": task.outputs["scores"]}
    run(replace(task, params={**PARAMS, "maps": False}, outputs=outputs))
    assert not task.outputs["maps"].exists()


def test_nothing_to_score_is_refused(task, tmp_path):
    split = read_parquet(task.inputs["split"])
    nothing = [False] * 7
    write_parquet(tmp_path / "split.parquet", {**split, "test": nothing, "validation": nothing})
    with pytest.raises(MedadError, match="no validation or test image"):
        run(task)


def test_a_head_of_another_detector_is_refused(task, tmp_path):
    write_safetensors(tmp_path / "head.safetensors", {"mean": torch.zeros(3, 2)}, {})
    with pytest.raises(MedadError, match="not the state of PatchCore"):
        run(task)


@pytest.mark.parametrize("order", ["mixed", "listed"])
def test_images_whose_scores_depend_on_each_other_are_batched_as_asked(task, tmp_path, order):
    section = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
    changes = {
        "mode": "code",
        "divergence": True,
        "cost": "batch",
        "epochs": 1,
        "batch": 2,
        "order": order,
    }
    made = {"implementation": "medad.detectors.adfa:Adfa", "trains": True}
    params = {**PARAMS, **section["adfa"], **changes, **made}
    trunk, root = checkpoint.load(task.inputs["weights"]), task.locations["images"]
    split = read_parquet(task.inputs["split"])
    listed = list(zip(split["path"], split["sha256"], strict=True))
    detector = Adfa.of(params)
    features = extract(trunk, root, listed, Frame(32), detector.layers, "cpu")
    detector.fit(take(features, [0]), Training(0, tmp_path, "x"))
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    run(replace(task, params=params))
    found = read_parquet(task.outputs["scores"])
    rows = [1, 2, 3, 5, 6]
    assert found["path"] == [f"{row}.png" for row in rows]
    if order == "mixed":
        rows.sort(key=lambda row: (split["sha256"][row], split["path"][row]))
        assert rows != [1, 2, 3, 5, 6]
    expected = {}
    for pair in (rows[:2], rows[2:4], rows[4:]):
        scores = detector.score(take(features, pair))
        expected |= {f"{row}.png": score for row, score in zip(pair, scores.image, strict=True)}
    assert dict(zip(found["path"], found["score"], strict=True)) == expected


def test_maps_of_small_numbers_keep_their_digits(task, monkeypatch):
    small = np.random.default_rng(0).random((7, 4, 4)).astype(np.float32) * 1e-8

    def score(_, pyramid):
        count = len(pyramid[2])
        return Scores(np.zeros(count), small[:count])

    monkeypatch.setattr(PatchCore, "score", score)
    run(task)
    assert np.array_equal(read_npz(task.outputs["maps"])["maps"], small[:5])


def test_a_detector_that_reads_images_scores_them(task, tmp_path):
    split, root = read_parquet(task.inputs["split"]), task.locations["images"]
    listed = list(zip(split["path"], split["sha256"], strict=True))
    images = np.stack([load_frame(root, path, digest, Frame(40)) for path, digest in listed])
    detector = FAnoGan.of(FANOGAN)
    detector.fit(images[:1], Training(0, tmp_path, "x"))
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    # It has no trunk, so its inputs have none.
    inputs = {name: path for name, path in task.inputs.items() if name != "weights"}
    run(replace(task, params=FANOGAN, inputs=inputs))
    scored = [1, 2, 3, 5, 6]
    expected = detector.score(images[scored])
    scores = read_parquet(task.outputs["scores"])
    assert scores["path"] == [f"{number}.png" for number in scored]
    assert scores["score"] == expected.image.tolist()
    assert scores["score"][0] == scores["score"][4]
    maps = read_npz(task.outputs["maps"])["maps"]
    assert np.array_equal(maps, expected.maps.astype(np.float16))
    assert not list(task.cache.rglob("*"))
