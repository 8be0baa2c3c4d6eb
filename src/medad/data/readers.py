"""From the files of a dataset to its images, labels and masks: one function per layout.

A reader takes the relative paths of all files and returns entries sorted by path; it opens
nothing, so that what a dataset means can be checked before anything is read.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from medad.data.nifti import is_volume
from medad.errors import MedadError

HEALTHY, ANOMALOUS = 0, 1
_MASK = re.compile(r"_mask(_\d+)?$")
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Entry:
    """One image: path, label (0 healthy, 1 anomalous), path of its mask or "".

    ``part``: train or test where the dataset is published in these parts, else "".
    """

    path: str
    label: int
    mask: str
    part: str = ""


def is_image(path: str) -> bool:
    """Whether the name says image or NIfTI volume; ``*_mask.png``, ``*_mask_1.png`` never do."""
    suffix = PurePosixPath(path).suffix.lower()
    return (suffix in _SUFFIXES or is_volume(path)) and not _MASK.search(_stem(path))


def _stem(path: str) -> str:
    """Lower-case name without its suffix (both of them for .nii.gz)."""
    name = PurePosixPath(path).name.lower()
    return (
        name.removesuffix(".gz").removesuffix(".nii")
        if is_volume(name)
        else name.rpartition(".")[0]
    )


def _folders(files: Iterable[str]) -> dict[str, list[str]]:
    """Files by the lower-case name of their top folder; "" for those in the root itself."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(files):
        top, slash, _ = file.partition("/")
        found[top.lower() if slash else ""].append(file)
    return found


def _below(path: str) -> str:
    """Path without its top folder."""
    return path.partition("/")[2]


def match_masks(images: Sequence[str], masks: Sequence[str]) -> dict[str, str]:
    """Mask of each image that has one, never guessing.

    First by the full name below the top folder, then the same without regard to case, last by the
    stem (``a.JPG`` and ``a.png``; ``a.JPG`` and ``a_mask.png``). A rule gives a match only when
    exactly one image and one mask, not yet matched, share the name; a stem that two images share
    matches nothing, since either could be meant.
    """
    matched: dict[str, str] = {}
    stems = Counter(_folder_stem(image) for image in images)

    def apply(left: Mapping[str, str], right: Mapping[str, str]) -> None:
        taken = set(matched.values())
        open_images = {image: key for image, key in left.items() if image not in matched}
        open_masks = {mask: key for mask, key in right.items() if mask not in taken}
        by_key = {key: mask for mask, key in open_masks.items()}
        images_of, masks_of = Counter(open_images.values()), Counter(open_masks.values())
        for image, key in open_images.items():
            if images_of[key] == 1 and masks_of[key] == 1:
                matched[image] = by_key[key]

    apply({path: _below(path) for path in images}, {path: _below(path) for path in masks})
    apply(
        {path: _below(path).lower() for path in images},
        {path: _below(path).lower() for path in masks},
    )
    apply(
        {path: key for path in images if stems[key := _folder_stem(path)] == 1},
        {path: _folder_stem(path) for path in masks},
    )
    return matched


def _folder_stem(path: str) -> str:
    """Lower-case path below the top folder, without suffixes and without a final ``_mask``."""
    folder = str(PurePosixPath(_below(path)).parent).lower()
    return f"{folder}/{_stem(path).removesuffix('_mask')}"


def _layout(files: Sequence[str], healthy: str, *anomalous: str) -> list[Entry]:
    folders = _folders(files)
    images = {
        name: [f for f in folders.get(name, []) if is_image(f)] for name in (healthy, *anomalous)
    }
    missing = [f"{name}/" for name, found in images.items() if not found]
    if missing:
        tops = ", ".join(
            f"{name}/ ({len(content)} files)" if name else f"{len(content)} files beside them"
            for name, content in sorted(folders.items(), reverse=True)
        )
        raise MedadError(
            f"no images in {' and '.join(missing)}: this dataset needs the folders {healthy}/ and "
            f"{', '.join(f'{name}/' for name in anomalous)} (optionally masks/) with "
            f"{', '.join(sorted(_SUFFIXES))} or .nii files; "
            f"found {tops or 'nothing'}. Rename the folders or set the dataset's root"
        )
    lesions = [path for name in anomalous for path in images[name]]
    matched = match_masks(lesions, mask_files(files))
    entries = [Entry(path, HEALTHY, "") for path in images[healthy]]
    entries += [Entry(path, ANOMALOUS, matched.get(path, "")) for path in lesions]
    return sorted(entries, key=lambda entry: entry.path)


def mask_files(files: Sequence[str]) -> list[str]:
    """Files that can be masks: images under masks/, and ``*_mask.*`` beside the images."""
    return [
        file
        for file in sorted(files)
        if (PurePosixPath(file).suffix.lower() in _SUFFIXES or is_volume(file))
        and (file.lower().startswith("masks/") or _stem(file).endswith("_mask"))
    ]


def brain_mri(files: Sequence[str]) -> list[Entry]:
    """The Kaggle set ``navoneel/brain-mri-images-for-brain-tumor-detection``: no/ and yes/.

    Hand-drawn masks may lie in masks/, named as the image. MedadError when no/ or yes/ is missing.
    """
    return _layout(files, "no", "yes")


def busi(files: Sequence[str]) -> list[Entry]:
    """Breast ultrasound images (Al-Dhabyani et al. 2020): normal/, benign/ and malignant/.

    Masks lie beside the images as ``<name>_mask.png``. An image with several (``_mask_1.png``) gets
    none, since one of them is a part of its lesions. MedadError when a folder is missing.
    """
    masks = [(PurePosixPath(file).parent, _stem(file)) for file in files]
    several = {(above, stem.rpartition("_mask_")[0]) for above, stem in masks if "_mask_" in stem}

    def parts(entry: Entry) -> bool:
        return (PurePosixPath(entry.path).parent, _stem(entry.path)) in several

    found = _layout(files, "normal", "benign", "malignant")
    return [replace(entry, mask="") if parts(entry) else entry for entry in found]


def covid_xray(files: Sequence[str]) -> list[Entry]:
    """Chest X-rays, Kaggle ``khoongweihao/covid19-xray-dataset-train-test-sets``.

    train/ and test/ with NORMAL/ and PNEUMONIA/ in each, perhaps all below one more folder.
    MedadError when one of the four is missing.
    """
    parts, labels = ("train", "test"), {"normal": HEALTHY, "pneumonia": ANOMALOUS}
    found: dict[tuple[str, str], list[Entry]] = {(p, kind): [] for p in parts for kind in labels}
    for file in sorted(filter(is_image, files)):
        above = [name.lower() for name in PurePosixPath(file).parts[:-1]]
        place = (above[-2], above[-1]) if len(above) in (2, 3) else ("", "")
        if place in found:
            found[place].append(Entry(file, labels[place[1]], "", place[0]))
    _need({f"{part}/{kind.upper()}/": bool(some) for (part, kind), some in found.items()}, files)
    return sorted((one for some in found.values() for one in some), key=lambda one: one.path)


_CELLS = {  # normal cells, cells that are not; metaplastic cells are benign and in neither
    "im_superficial-intermediate": HEALTHY,
    "im_parabasal": HEALTHY,
    "im_koilocytotic": ANOMALOUS,
    "im_dyskeratotic": ANOMALOUS,
}


def sipakmed(files: Sequence[str]) -> list[Entry]:
    """Pap smears (Plissiti et al. 2018): whole images of four kinds of cells, not the single cells.

    One folder a kind, such as im_Parabasal/ or, as on Kaggle, im_Parabasal/im_Parabasal/, with
    single cells in CROPPED/ below it. MedadError when a kind is missing.
    """
    found: dict[str, list[Entry]] = {kind: [] for kind in _CELLS}
    for file in sorted(filter(is_image, files)):
        above = PurePosixPath(file).parent.name.lower()
        if above in found:
            found[above].append(Entry(file, _CELLS[above], ""))
    _need({f"{kind}/": bool(some) for kind, some in found.items()}, files)
    return sorted((one for some in found.values() for one in some), key=lambda one: one.path)


def _need(folders: Mapping[str, bool], files: Sequence[str]) -> None:
    """MedadError naming the folders that hold no image, and those there are."""
    missing = [name for name, there in folders.items() if not there]
    if missing:
        seen = sorted({str(PurePosixPath(file).parent) for file in files})
        raise MedadError(
            f"no images in {' and '.join(missing)}: this dataset needs the folders "
            f"{', '.join(folders)} with {', '.join(sorted(_SUFFIXES))} files; found "
            f"{', '.join(seen[:8]) or 'nothing'}. Rename the folders or set the dataset's root"
        )


def folder(files: Sequence[str]) -> list[Entry]:
    """Any dataset with folders healthy/ and anomalous/, optionally masks/.

    Files may lie in subfolders. MedadError when healthy/ or anomalous/ is missing.
    """
    return _layout(files, "healthy", "anomalous")


def phantom(files: Sequence[str]) -> list[Entry]:
    """The generated phantom: the layout of ``folder``, with one mask an anomalous image."""
    return _layout(files, "healthy", "anomalous")
