from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from medad.config.load import load
from medad.detectors.adfa_parameters import AdfaParameters
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.fanogan import FAnoGanParameters
from medad.detectors.ganomaly import GanomalyParameters
from medad.detectors.padim import PadimParameters
from medad.detectors.patch_svdd import PatchSvddParameters
from medad.detectors.patchcore import PatchCoreParameters
from medad.detectors.rdad import RdadParameters
from medad.detectors.spade import SpadeParameters
from medad.detectors.stpm import StpmParameters
from medad.errors import MedadError
from medad.registry import EVERY_DETECTOR

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"side", "backbone", "normalisation"}  # by other sections
KINDS: dict[str, Any] = {
    "patchcore": PatchCoreParameters,
    "padim": PadimParameters,
    "spade": SpadeParameters,
    "adfa": AdfaParameters,
    "fanogan": FAnoGanParameters,
    "ganomaly": GanomalyParameters,
    "efficientad": EfficientADParameters,
    "patch_svdd": PatchSvddParameters,
    "stpm": StpmParameters,
    "rdad": RdadParameters,
}


def test_every_detector_is_here() -> None:
    assert set(KINDS) == set(EVERY_DETECTOR)


@pytest.mark.parametrize("name", KINDS)
def test_the_section_is_the_parameters_of_the_code(name: str) -> None:
    own = {field.name for field in fields(KINDS[name])} - GIVEN
    # These reach the code as inputs.
    files = {"teacher_file", "natural_images"} if name == "efficientad" else set()
    assert own | files == set(getattr(load(ROOT).detectors, name).model_dump())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kernel": 4}, "kernel: got 4, allowed: odd sizes, or adaptive"),
        ({"divergence": True}, "divergence needs mode: code"),
    ],
)
def test_adfa_is_one_thing_or_the_other(changes: dict[str, object], words: str) -> None:
    with pytest.raises(MedadError, match=words):
        load(ROOT, {"detectors": {"adfa": changes}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": "file", "teacher_file": "t.pth"}, "teacher_sha256"),
        ({"penalty": "images"}, "natural_images"),
        ({"distil_on": "images", "natural_images": "n.zip"}, "natural_sha256"),
        ({"low": 0.995}, "low must be below high"),
    ],
)
def test_efficientad_needs_its_files_pinned(changes: dict[str, object], words: str) -> None:
    with pytest.raises(MedadError, match=words):
        load(ROOT, {"detectors": {"efficientad": changes}})
