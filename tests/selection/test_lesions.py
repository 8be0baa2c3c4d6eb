import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.selection.lesions import AREA, FAMILIES, add_lesion, draw_region

SIDE = 64
CONTRAST = {"blob": 0.5, "patch": 1.0, "warp": 3.0, "texture": 4.0}


def _brain():
    rows, columns = np.indices((SIDE, SIDE))
    return np.hypot((rows - 30) / 24, (columns - 33) / 20) < 1


def _image(seed, channels=()):
    grey = np.random.default_rng(seed).integers(40, 200, (SIDE, SIDE, *channels), dtype=np.uint8)
    brain = _brain()
    return np.where(brain if not channels else brain[..., None], grey, 3).astype(np.uint8)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_area_place_and_nothing_outside(family, seed):
    brain, image = _brain(), _image(0)
    made, mask = add_lesion(
        image, brain, family, CONTRAST[family], [_image(1)], np.random.default_rng(seed)
    )
    assert AREA[0] <= mask.mean() <= AREA[1]
    assert not (mask & ~brain).any()
    assert (made[~mask] == image[~mask]).all()
    assert (made[mask] != image[mask]).any()
    assert made.dtype == np.uint8


@pytest.mark.parametrize("family", FAMILIES)
def test_colour_is_treated_as_grey_is(family):
    brain, image = _brain(), _image(0)
    made, _ = add_lesion(
        image, brain, family, CONTRAST[family], [_image(1)], np.random.default_rng(5)
    )
    colour, _ = add_lesion(
        np.repeat(image[..., None], 3, 2),
        brain,
        family,
        CONTRAST[family],
        [np.repeat(_image(1)[..., None], 3, 2)],
        np.random.default_rng(5),
    )
    assert (colour == made[..., None]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_more_contrast_changes_more_at_the_same_place(family):
    brain = _brain()
    rows, columns = np.indices((SIDE, SIDE))
    smooth = np.where(brain, 100 + 30 * np.sin(rows) * np.cos(columns), 3).astype(np.uint8)
    changes, masks = [], []
    for contrast in (0.1 * CONTRAST[family], CONTRAST[family]):
        made, mask = add_lesion(
            smooth, brain, family, contrast, [_image(1)], np.random.default_rng(2)
        )
        changes.append(np.abs(made.astype(int) - smooth).sum())
        masks.append(mask)
    assert (masks[0] == masks[1]).all()
    assert 0 < changes[0] < changes[1]


def test_edges_are_soft():
    brain = _brain()
    # Two levels, 100 apart.
    flat = np.where(brain, 120, 0).astype(np.uint8)
    flat[:20][brain[:20]] = 20
    for seed in range(10):
        made, _ = add_lesion(flat, brain, "blob", 0.15, [], np.random.default_rng(seed))
        region = draw_region(brain, np.random.default_rng(seed))
        change = np.abs(made.astype(float) - flat)
        edge = region.mask & (region.radius > 0.9)
        assert change.max() == pytest.approx(0.15 * 100, abs=1)
        # A smoothstep over at least 40 % of the radius has fallen to 16 % at .9 of it.
        assert change[edge].max() <= 0.16 * change.max() + 1


def test_the_middle_of_a_warp_stays_and_its_surroundings_swell():
    brain = np.ones((SIDE, SIDE), bool)
    ramp = np.tile(np.arange(SIDE, dtype=np.uint8) * 4, (SIDE, 1))
    rng = np.random.default_rng(1)
    region = draw_region(brain, np.random.default_rng(1))
    made, mask = add_lesion(ramp, brain, "warp", 2.0, [], rng)
    x, y = region.centre
    assert made[y, x] == ramp[y, x]
    near = mask & (region.radius < 0.5)
    # Read from r ** 3: on a ramp of 4 a pixel, the change is 4 times the shift along x.
    columns = np.indices(ramp.shape)[1]
    shift = (columns - x) * (region.radius**2 - 1)
    assert np.abs(made[near].astype(float) - (ramp + 4 * shift)[near]).max() <= 1


def test_draws_come_from_the_generator_alone():
    brain, image = _brain(), _image(0)

    def once(seed):
        return add_lesion(image, brain, "patch", 1.0, [_image(1)], np.random.default_rng(seed))[0]

    assert (once(3) == once(3)).all()
    assert (once(3) != once(4)).any()


def test_a_brain_without_room_and_an_unknown_family_are_told():
    thin = np.zeros((SIDE, SIDE), bool)
    thin[30:33] = True
    with pytest.raises(MedadError, match="fits into the brain"):
        draw_region(thin, np.random.default_rng(0))
    with pytest.raises(MedadError, match=r"got 'bezier', allowed: blob, patch, warp, texture"):
        add_lesion(_image(0), _brain(), "bezier", 1.0, [], np.random.default_rng(0))
