from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.data.readers import (
    ANOMALOUS,
    HEALTHY,
    Entry,
    brain_mri,
    busi,
    covid_xray,
    folder,
    is_image,
    mask_files,
    match_masks,
    phantom,
    sipakmed,
)
from medad.errors import MedadError


def test_brain_mri_maps_folders_to_labels():
    files = [
        "yes/Y1.JPG",
        "no/1 no.jpeg",
        "masks/Y1.jpg",
        "README.md",
        "groups.csv",
        "no/notes.txt",
    ]
    assert brain_mri(files) == [
        Entry("no/1 no.jpeg", 0, ""),
        Entry("yes/Y1.JPG", 1, "masks/Y1.jpg"),
    ]


def test_folder_and_phantom_share_a_layout():
    files = ["Healthy/a/x.tif", "anomalous/s/b.png", "masks/s/b.png", "anomalous/v.nii.gz"]
    expected = [
        Entry("Healthy/a/x.tif", 0, ""),
        Entry("anomalous/s/b.png", 1, "masks/s/b.png"),
        Entry("anomalous/v.nii.gz", 1, ""),
    ]
    assert folder(files) == phantom(files) == expected


def masks_of(images: list[str], masks: list[str]) -> dict[str, str]:
    return match_masks([f"yes/{name}" for name in images], [f"masks/{name}" for name in masks])


def test_full_names_win_over_stems():
    assert masks_of(["Y92.jpg", "Y92.png"], ["Y92.jpg", "Y92.png"]) == {
        "yes/Y92.jpg": "masks/Y92.jpg",
        "yes/Y92.png": "masks/Y92.png",
    }


def test_an_ambiguous_stem_matches_nothing():
    assert masks_of(["Y92.jpg", "Y92.png"], ["Y92.jpg"]) == {"yes/Y92.jpg": "masks/Y92.jpg"}
    assert masks_of(["Y92.jpg", "Y92.png"], ["Y92.bmp"]) == {}
    assert masks_of(["Y92.jpg"], ["Y92.bmp", "Y92.png"]) == {}


def test_case_and_suffix_may_differ():
    assert masks_of(["a.JPG"], ["A.jpg"]) == {"yes/a.JPG": "masks/A.jpg"}
    assert masks_of(["a.JPG"], ["a.png"]) == {"yes/a.JPG": "masks/a.png"}
    assert masks_of(["v.nii.gz"], ["v_mask.nii"]) == {"yes/v.nii.gz": "masks/v_mask.nii"}


def test_subfolders_are_part_of_the_name():
    assert masks_of(["p1/a.png", "p2/a.png"], ["p2/a.png"]) == {"yes/p2/a.png": "masks/p2/a.png"}


@given(
    st.lists(st.sampled_from(["a.png", "a.jpg", "A.png", "b.JPG", "b.png", "c.tif"]), unique=True),
    st.lists(
        st.sampled_from(["a.png", "a.jpg", "A.PNG", "b.jpg", "b_mask.png", "c.tif"]), unique=True
    ),
)
def test_no_mask_serves_two_images_and_equal_names_match(images, masks):
    matched = masks_of(images, masks)
    assert len(set(matched.values())) == len(matched)
    for name in set(images) & set(masks):
        assert matched[f"yes/{name}"] == f"masks/{name}"


def test_mask_files_are_never_images():
    assert not is_image("benign/benign (1)_mask.png")
    assert is_image("benign/benign (1).PNG")
    assert not is_image("benign/notes.txt")
    files = ["healthy/h.png", "healthy/h_mask.png", "anomalous/b.png", "anomalous/b_mask.png"]
    assert folder(files) == [
        Entry("anomalous/b.png", 1, "anomalous/b_mask.png"),
        Entry("healthy/h.png", 0, ""),
    ]
    assert mask_files(files) == ["anomalous/b_mask.png", "healthy/h_mask.png"]


def test_missing_folders_are_named_with_what_was_found():
    with pytest.raises(MedadError, match=r"no images in no/ and yes/.*found healthy/ \(2 files\)"):
        brain_mri(["healthy/a.png", "healthy/b.png"])
    with pytest.raises(MedadError, match=r"no images in anomalous/:.*1 files beside"):
        folder(["healthy/a.png", "x.csv", "anomalous/readme.txt"])
    with pytest.raises(MedadError, match="found nothing"):
        folder([])


def test_busi_has_three_folders_and_masks_beside_the_images():
    files = [
        "benign/benign (1).png",
        "benign/benign (1)_mask.png",
        "benign/benign (2).png",
        "benign/benign (2)_mask.png",
        "benign/benign (2)_mask_1.png",
        "benign/benign (3).png",
        "benign/benign (3)_mask.png",
        "benign/Benign (3)_MASK_1.PNG",
        "malignant/malignant (1).png",
        "malignant/malignant (1)_mask.png",
        "normal/normal (1).png",
        "normal/normal (1)_mask.png",
    ]
    assert busi(files) == [
        Entry("benign/benign (1).png", ANOMALOUS, "benign/benign (1)_mask.png"),
        Entry("benign/benign (2).png", ANOMALOUS, ""),  # one mask of two is a part of its lesions
        Entry("benign/benign (3).png", ANOMALOUS, ""),
        Entry("malignant/malignant (1).png", ANOMALOUS, "malignant/malignant (1)_mask.png"),
        Entry("normal/normal (1).png", HEALTHY, ""),
    ]
    with pytest.raises(MedadError, match=r"no images in malignant/: .* normal/ and benign/, malig"):
        busi(files[:2] + files[10:])


COVID = [
    f"{part}/{kind}/{number}.{suffix}"
    for part in ("train", "test")
    for kind in ("NORMAL", "PNEUMONIA")
    for number, suffix in ((1, "jpeg"), (2, "JPG"))
]


@pytest.mark.parametrize("above", ["", "xray_dataset_covid19/"])
def test_covid_xray_has_parts(above):
    files = [above + file for file in COVID] + [f"{above}notes.txt", f"{above}train/x.jpeg"]
    found = covid_xray(files)
    assert [entry.path for entry in found] == sorted(above + file for file in COVID)
    for entry in found:
        assert entry.part in entry.path
        assert entry.label == ("PNEUMONIA" in entry.path)


def test_covid_xray_needs_its_four_folders():
    with pytest.raises(
        MedadError, match=r"no images in test/PNEUMONIA/: this dataset needs .*found"
    ):
        covid_xray([file for file in COVID if not file.startswith("test/PNEUMONIA")])
    with pytest.raises(MedadError, match="found a/b/test/NORMAL"):  # too deep to be sure
        covid_xray([f"a/b/{file}" for file in COVID])


CELLS = ("Superficial-Intermediate", "Parabasal", "Koilocytotic", "Dyskeratotic", "Metaplastic")


@pytest.mark.parametrize("twice", [False, True])
def test_sipakmed_takes_whole_images_of_four_kinds(twice):
    folders = {kind: f"im_{kind}/im_{kind}" if twice else f"im_{kind}" for kind in CELLS}
    files = [f"{place}/{number}.bmp" for place in folders.values() for number in ("001", "002")]
    files += [f"{place}/CROPPED/001_01.bmp" for place in folders.values()]
    files += [f"{place}/001_cyt01.dat" for place in folders.values()]
    found = sipakmed(files)
    assert len(found) == 8
    assert not any("CROPPED" in entry.path or "Metaplastic" in entry.path for entry in found)
    healthy = {entry.path.split("/")[0] for entry in found if entry.label == 0}
    assert healthy == {"im_Superficial-Intermediate", "im_Parabasal"}


def test_sipakmed_accepts_any_suffix_and_needs_every_kind():
    converted = [f"IM_{kind.upper()}/001.JPG" for kind in CELLS]
    assert len(sipakmed(converted)) == 4
    with pytest.raises(MedadError, match="no images in im_parabasal/: this dataset needs"):
        sipakmed([file for file in converted if "PARABASAL" not in file])
