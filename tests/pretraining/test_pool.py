import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.backbones.preprocess import normalise
from medad.errors import MedadError
from medad.files import write_npz
from medad.pretraining.pool import Pool, draw

SIDE = 4


def _arrays(shots, healthy, anomalous):
    """Image number n of a kind is filled with a value that tells kind and number."""

    def filled(first, count):
        values = np.arange(first, first + count, dtype=np.uint8)
        return np.broadcast_to(values[:, None, None], (count, SIDE, SIDE)).copy()

    masks = np.zeros((anomalous, SIDE, SIDE), np.uint8)
    for index in range(anomalous):
        masks[index].flat[index] = 1
    return {
        "originals": filled(0, shots),
        "healthy": filled(50, healthy),
        "anomalous": filled(150, anomalous),
        "masks": masks,
    }


def _values(images):
    """The grey values that images were filled with."""
    return ((images[:, 0, 0, 0] * 0.229 + 0.485) * 255).round().int().tolist()


@settings(max_examples=60, deadline=None)
@given(
    shots=st.integers(1, 4),
    healthy=st.integers(1, 5),
    anomalous=st.integers(1, 5),
    wanted=st.integers(1, 8),
    all_shots=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_batch_is_an_anchor_other_healthy_and_anomalous_images(
    shots, healthy, anomalous, wanted, all_shots, seed
):
    pool = Pool.of(_arrays(shots, healthy, anomalous), "cpu", "imagenet")
    batch = draw(pool, np.random.default_rng(seed), wanted, wanted, all_shots=all_shots)
    values = _values(batch.images)
    references, rest = values[: batch.shots], values[batch.shots :]
    normal, lesions = rest[: batch.healthy], rest[batch.healthy :]
    anchor = references[batch.anchor]
    assert references == (list(range(shots)) if all_shots else [anchor])
    assert anchor < shots
    assert anchor not in normal
    candidates = healthy if all_shots else shots - 1 + healthy
    assert len(set(normal)) == len(normal) == min(wanted, candidates)
    assert len(set(lesions)) == len(lesions) == min(wanted, anomalous)
    assert all(value >= 50 for value in normal) or not all_shots
    assert all(value >= 150 for value in lesions)
    marked = batch.masks.flatten(1).argmax(1).tolist()
    assert marked == [value - 150 for value in lesions]


def test_draws_depend_on_the_generator_and_reach_every_image():
    pool = Pool.of(_arrays(3, 4, 4), "cpu", "imagenet")
    anchors, normal = set(), set()
    for seed in range(60):
        first, same = (
            draw(pool, np.random.default_rng(seed), 2, 2, all_shots=False) for _ in range(2)
        )
        assert torch.equal(first.images, same.images)
        anchors |= set(_values(first.images[:1]))
        normal |= set(_values(first.images[1:3]))
    assert anchors == {0, 1, 2}
    assert normal == {0, 1, 2, 50, 51, 52, 53}


def test_without_copies_the_other_shots_are_healthy_images():
    pool = Pool.of(_arrays(2, 0, 1), "cpu", "imagenet")
    batch = draw(pool, np.random.default_rng(0), 4, 4, all_shots=True)
    assert (batch.shots, batch.healthy) == (2, 1)


@pytest.mark.parametrize("counts", [(0, 3, 3), (1, 0, 3), (2, 2, 0)])
def test_a_pool_that_cannot_fill_a_step_is_refused(counts):
    with pytest.raises(MedadError, match=rf"stage 1 needs .* got {counts[0]} shots"):
        Pool.of(_arrays(*counts), "cpu", "imagenet")


def test_reads_the_pairs_file(tmp_path):
    arrays = _arrays(1, 2, 2)
    write_npz(tmp_path / "p.npz", arrays)
    for normalisation in ("imagenet", "half"):
        pool = Pool.read(tmp_path / "p.npz", "cpu", normalisation)
        assert torch.equal(pool.normal[:1], normalise(arrays["originals"], normalisation))
    assert pool.masks.shape == (2, 1, SIDE, SIDE)
