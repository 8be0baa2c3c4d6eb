from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.backbones import checkpoint
from medad.backbones.preprocess import normalise
from medad.detectors.patchcore import PatchCore
from medad.errors import MedadError
from medad.files import write_npz
from medad.pretraining.pool import Pool
from medad.pretraining.segmentation import Segmenter, iou, train


@pytest.fixture
def model(random_trunk):
    return Segmenter(random_trunk).initialise(torch.Generator().manual_seed(0))


def test_finds_the_lesions_of_its_pool(random_trunk, bright, supervised, places, losses):
    before = {key: value.clone() for key, value in random_trunk.state_dict().items()}
    adapted = train(random_trunk, bright, supervised | {"epochs": 40}, places)
    assert adapted.facts["iou"] > 0.85
    assert (adapted.facts["healthy"], adapted.facts["anomalous"]) == (6, 5)
    found = losses()
    assert len(found) == 40
    assert np.mean(found[-5:]) < 0.5 * np.mean(found[:3])
    assert all(torch.equal(random_trunk.state_dict()[key], before[key]) for key in before)


def test_statistics_stay_and_every_weight_moves(random_trunk, bright, supervised, places):
    trunk = train(random_trunk, bright, supervised, places).trunk
    assert (trunk.spec.depth, trunk.training) == (3, False)
    for name, now in trunk.state_dict().items():
        assert torch.equal(now, random_trunk.state_dict()[name]) == ("running" in name), name


@torch.no_grad()
def test_the_levels_are_the_stem_and_what_the_trunk_gives(random_trunk, model):
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    stem, *stages = model.levels(images)
    assert [tuple(level.shape[1:]) for level in (stem, *stages)] == [
        (64, 32, 32),
        (64, 16, 16),
        (128, 8, 8),
        (256, 4, 4),
        (512, 2, 2),
    ]
    assert float(stem.min()) == 0
    for layer, output in random_trunk(images, [1, 2, 3, 4]).items():
        assert torch.equal(output, stages[layer - 1])


@pytest.mark.parametrize("depth", [3, 4])
def test_logits_are_of_the_size_of_the_image(random_trunk, bright, supervised, places, depth):
    trunk = train(random_trunk, bright, supervised | {"epochs": 0, "depth": depth}, places).trunk
    logits = Segmenter(trunk).initialise(torch.Generator())(torch.zeros(2, 3, 40, 56))
    assert logits.shape == (2, 1, 40, 56)


@torch.no_grad()
@pytest.mark.parametrize("batch", [2, 4, 10])
def test_iou_is_over_all_pixels_of_every_image_once(model, bright_lesions, batch):
    class Threshold(torch.nn.Module):
        """A network that calls all above a grey value a lesion."""

        def forward(self, images):
            return images[:, :1] - normalise(np.full((1, 1, 1), 60, np.uint8))[:, :1]

    images = np.concatenate([bright_lesions[n] for n in ("originals", "healthy", "anomalous")])
    found = images > 60
    truth = np.concatenate([np.zeros((6, 32, 32), np.uint8), bright_lesions["masks"]]) > 0
    expected = (found & truth).sum() / (found | truth).sum()
    assert iou(Threshold(), Pool.of(bright_lesions, "cpu", "imagenet"), batch) == pytest.approx(
        expected
    )


def test_a_killed_training_gives_the_same_bytes(
    random_trunk, bright, supervised, places, stored, cut_short
):
    straight = stored(train(random_trunk, bright, supervised, places))
    events = places.events.read_bytes()
    places.events.unlink()
    cut_short(train, random_trunk, bright, supervised)
    reports = []
    heard = replace(places, report=lambda done, total, text: reports.append(done))
    assert stored(train(random_trunk, bright, supervised, heard)) == straight
    assert reports[0] > 0
    assert places.events.read_bytes() == events


def test_seeds_decide(random_trunk, bright, supervised, places, stored):
    torch.manual_seed(0)
    first = stored(train(random_trunk, bright, supervised, places))
    torch.manual_seed(1)
    assert stored(train(random_trunk, bright, supervised, places)) == first
    for field in ("attention_seed", "batch_seed"):
        other = train(random_trunk, bright, supervised, replace(places, **{field: 99}))
        assert stored(other) != first


def test_the_trunk_goes_into_patchcore(random_trunk, bright, supervised, places, tmp_path, stored):
    stored(train(random_trunk, bright, supervised | {"epochs": 1}, places))
    trunk = checkpoint.load(tmp_path / "stored.safetensors")
    params = {
        "layers": [2, 3],
        "pool": 3,
        "coreset": 0.5,
        "neighbors": 3,
        "reweight": True,
        "smooth": 0.0,
    }
    detector = PatchCore.of(params, "cpu")
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pyramid = trunk(images, detector.layers)
    detector.fit(pyramid, np.random.default_rng(0))
    assert np.isfinite(detector.score(pyramid).image).all()


def test_an_image_without_a_lesion_in_its_mask_is_an_error(
    random_trunk, bright_lesions, supervised, places, tmp_path
):
    masks = bright_lesions["masks"].copy()
    masks[1:3] = 0
    write_npz(tmp_path / "kept.npz", bright_lesions | {"masks": masks})
    with pytest.raises(MedadError, match=r"2 of 5 .* empty mask; set .*unmasked to drop"):
        train(random_trunk, tmp_path / "kept.npz", supervised, places)
