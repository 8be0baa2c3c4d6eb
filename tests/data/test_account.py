"""Every file of a dataset is counted once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from medad.data.account import account
from medad.data.readers import busi, folder


def columns(entries, masks=True):
    return {
        "path": [entry.path for entry in entries],
        "label": [entry.label for entry in entries],
        "mask": [entry.mask if masks else "" for entry in entries],
    }


def total(found):
    own = ("used_as_images", "used_as_masks", "masks_of_no_image", "left_out_as_bad")
    return sum(found[name] for name in own) + sum(found["unused"].values())


def test_what_becomes_of_files():
    files = [
        *("normal/a.png", "benign/b.png", "benign/b_mask.png", "malignant/c.JPG"),
        *("malignant/d.png", "malignant/d_mask.png", "malignant/d_mask_1.png"),
        *("extra/e.png", "readme.txt", "LICENSE", "normal/broken.png"),
    ]
    entries = busi(files)
    kept = [entry for entry in entries if entry.path != "normal/broken.png"]
    found = account(files, entries, columns(kept), [("normal/broken.png", "no image")])
    assert found == {
        "files": 11,
        "used_as_images": 4,
        "used_as_masks": 1,
        "masks_of_no_image": 1,
        "left_out_as_bad": 1,
        "unused": {".png": 1, ".txt": 1, "image": 1, "no suffix": 1},
        "images": {"healthy": 1, "anomalous": 3, "with_mask": 1},
    }


names = st.sampled_from(["a", "b", "a_mask", "c.d", "b_mask_1"])
places = st.sampled_from(["healthy", "anomalous", "masks", "other", "healthy/more"])
suffixes = st.sampled_from([".png", ".JPG", ".bmp", ".dat", "", ".nii.gz"])


@settings(max_examples=200, deadline=None)
@given(st.sets(st.builds(lambda p, n, s: f"{p}/{n}{s}", places, names, suffixes)), st.booleans())
def test_the_numbers_sum_to_the_files(files, masks):
    files = sorted({*files, "healthy/z.png", "anomalous/z.png"})
    entries = folder(files)
    half = entries[::2]
    skipped = [(entry.path, "bad") for entry in entries[1::4]]
    assert total(account(files, entries, columns(half, masks), skipped)) == len(files)
