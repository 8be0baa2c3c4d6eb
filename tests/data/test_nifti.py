from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.data import nifti
from medad.errors import MedadError


def marked() -> np.ndarray:
    """5 x 6 x 4 voxels in RAS with one bright voxel: right, anterior, z = 2."""
    voxels = np.zeros((5, 6, 4), np.int16)
    voxels[4, 5, 2] = 100
    return voxels


@given(st.text("ab/. #=z1", min_size=1), st.integers(0, 999), st.sampled_from([".nii", ".nii.gz"]))
def test_slice_names_round_trip(stem, z, suffix):
    path = nifti.slice_path(stem + suffix, z)
    assert nifti.parse(path) == (stem + suffix, z)
    assert nifti.file_of(path) == stem + suffix
    assert not nifti.is_volume(path)


@pytest.mark.parametrize("path", ["a.png", "a.png#z=1", "a.nii", "a.nii#z=", "a.nii#z=-1", "#z=1"])
def test_other_names_are_no_slices(path):
    assert nifti.parse(path) is None
    assert nifti.file_of(path) == path


def test_first_row_is_anterior_and_first_column_right(nifti_bytes):
    image = nifti.grey(nifti_bytes(marked()), 2)
    assert image.shape == (6, 5)
    assert np.argwhere(image == 255).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("axes", "flips"),
    [
        ((0, 1, 2), (-1, 1, 1)),
        ((0, 1, 2), (-1, -1, -1)),
        ((1, 0, 2), (1, 1, 1)),
        ((2, 0, 1), (1, -1, 1)),
    ],
)
def test_every_stored_orientation_gives_the_same_slice(nifti_bytes, axes, flips):
    # store the same anatomy with axes permuted and flipped, and an affine that says so
    voxels = np.transpose(marked(), axes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for stored, (world, sign) in enumerate(zip(axes, flips, strict=True)):
        affine[world, stored] = sign
        if sign < 0:
            voxels = np.flip(voxels, stored)
    for gzipped in (False, True):
        content = nifti_bytes(np.ascontiguousarray(voxels), affine, gzipped)
        np.testing.assert_array_equal(nifti.grey(content, 2), nifti.grey(nifti_bytes(marked()), 2))


def test_one_window_for_the_whole_volume(nifti_bytes):
    voxels = np.zeros((10, 10, 2), np.float32)
    voxels[..., 0], voxels[..., 1] = 50.01, 100
    content = nifti_bytes(voxels)
    assert nifti.grey(content, 0).max() == 0
    assert nifti.grey(content, 1).min() == 255
    voxels[0, :2, 0] = 0  # 1 % of the voxels: below percentile 0.5
    assert nifti.grey(nifti_bytes(voxels), 0)[0, 0] == 128  # 50 of 0..100 is 127.5


def test_nan_and_outliers_do_not_move_the_window(nifti_bytes):
    voxels = np.random.default_rng(0).uniform(10, 20, (12, 12, 12)).astype(np.float32)
    voxels[0, 0, 0], voxels[1, 1, 1] = np.nan, 1e9
    low, high = nifti.window(voxels)
    assert 10 <= low < 10.2
    assert 19.8 < high <= 20
    image = nifti.to_uint8(voxels, low, high)
    assert image[0, 0, 0] == 0
    assert image[1, 1, 1] == 255


def test_empty_range_is_black():
    assert not nifti.to_uint8(np.full((3, 3), 7.0), *nifti.window(np.full((3, 3), 7.0))).any()
    assert nifti.window(np.full(4, np.nan)) == (0.0, 0.0)


def test_slices_with_content_and_lesion(nifti_bytes):
    voxels = np.zeros((10, 10, 5), np.int16)
    voxels[:, :, 1:3] = 100
    voxels[0, 0, 4] = 100
    content = nifti_bytes(voxels)
    assert nifti.slices_with_content(content) == [1, 2]
    assert nifti.slices_with_lesion(content) == [1, 2, 4]
    assert nifti.lesion(content, 4).sum() == 1


def test_trailing_axes_of_length_one_are_dropped(nifti_bytes):
    assert nifti.volume(nifti_bytes(np.ones((2, 3, 4, 1), np.int16))).shape == (2, 3, 4)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5)])
def test_other_dimensions_are_refused(nifti_bytes, shape):
    with pytest.raises(MedadError, match="three dimensions"):
        nifti.volume(nifti_bytes(np.ones(shape, np.int16)))


def test_colour_voxels_are_refused(nifti_bytes):
    colour = np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(MedadError, match="numbers are needed"):
        nifti.volume(nifti_bytes(colour))


def test_damage_is_an_error(nifti_bytes):
    whole = nifti_bytes(marked(), gzipped=True)
    for content in (b"", b"no volume", whole[:-9], nifti_bytes(marked())[:400]):
        with pytest.raises(MedadError, match="cannot be read as NIfTI"):
            nifti.volume(content)


def test_slice_outside_is_an_error(nifti_bytes):
    with pytest.raises(MedadError, match=r"z=4 does not exist.*0\.\.3"):
        nifti.grey(nifti_bytes(marked()), 4)
