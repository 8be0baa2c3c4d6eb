"""A committed selection study: candidates, sources, lesions and the rule, before any result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from medad.config.base import Count, Fraction, Model, Name, Positive
from medad.config.load import section_with
from medad.config.models import Config
from medad.errors import MedadError
from medad.selection.trial import Candidate

SEEN = (
    "`gentle` was found on three draws of `brain_mri` with all tumour images in view. That it is a "
    "candidate at all owes to this."
)


class Contrast(Model):
    """Strength of each lesion family; see ``medad.selection.lesions.add_lesion``.

    None leaves a family out: one that the unadapted backbone finds at no strength.
    """

    blob: Positive | None
    patch: Positive | None
    warp: Positive | None
    texture: Positive | None

    @model_validator(mode="after")
    def _some_family(self) -> Contrast:
        if not self.used():
            raise ValueError("every family is left out; give one a contrast")
        return self

    def used(self) -> dict[str, float]:
        """Contrast of every family that is not left out."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class Source(Model):
    """Where healthy shots come from: overrides of params.yaml that name one dataset.

    ``draws``: development draws, each of its own shots. ``contrast``: fixed once, so that the
    first candidate's S2 is .65 to .85 for every family, and never looked at again.
    """

    draws: Count
    contrast: Contrast
    config: dict[str, Any]


class Guards(Model):
    """A candidate below one of these is rejected whatever it scores.

    ``norm`` and ``rank``: least ratio to step 0 over the banks; ``s1``: least mean over draws and
    families; ``loss``: most that S2 may be below the first candidate's on any source, if it counts.
    """

    norm: Fraction
    rank: Fraction
    s1: Fraction
    loss: Fraction | None = None


class Protocol(Model):
    """``candidates``: name -> overrides of ``stage1.consult``, **nearest to the backbone first**:

    this order is the one the rule prefers, and the first candidate is the unadapted backbone that
    the others have to beat. ``shots`` of a draw, of which ``held_out`` are scored and the others
    train and fill the bank; ``rotate``: every shot is held out once, in ``shots / held_out`` banks
    of a draw. ``lesions``: for every held-out image and family. ``resamples`` of the
    bootstrap over draws. ``detectors``: candidate -> overrides of ``detectors.patchcore``, of those
    that have any. ``title`` and ``seen``, what was known before, are for the report.
    """

    method: Literal["consult"]
    seed: Annotated[int, Field(ge=0)]
    shots: Annotated[int, Field(ge=3)]
    held_out: Annotated[int, Field(ge=2)]
    rotate: bool = False
    lesions: Count
    title: str = "Which reading of CONSULT's stage 1 to ship"
    seen: str = SEEN
    detectors: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    resamples: Annotated[int, Field(ge=100)]
    guards: Guards
    rule: str
    sources: Annotated[dict[Name, Source], Field(min_length=1)]
    candidates: Annotated[dict[Name, dict[str, Any]], Field(min_length=2)]

    @model_validator(mode="after")
    def _leaves_a_bank(self) -> Protocol:
        if self.held_out >= self.shots:
            raise ValueError("held_out must be below shots, so that there is a bank")
        if self.rotate and self.shots % self.held_out:
            raise ValueError("shots must be a multiple of held_out, so that they can be rotated")
        if not self.detectors.keys() <= self.candidates.keys():
            raise ValueError("detectors must be of candidates")
        return self

    def detector(self, config: Config, candidate: str) -> dict[str, Any]:
        """All parameters of a candidate's PatchCore; MedadError for one that cannot be."""
        changes = self.detectors.get(candidate, {})
        return section_with(config.detectors.patchcore, changes, f"candidate {candidate}")

    def readings(self, config: Config) -> dict[str, Candidate]:
        """Candidate -> all parameters of it; MedadError for one that cannot be."""
        section = config.stage1.consult
        return {
            name: Candidate(
                section_with(section, changes, f"candidate {name}"), self.detector(config, name)
            )
            for name, changes in self.candidates.items()
        }

    def published(self) -> list[str]:
        """Candidates whose PatchCore is the one of params.yaml, in order."""
        return [name for name in self.candidates if not self.detectors.get(name)]


def read(path: Path) -> Protocol:
    """The study in a YAML file; MedadError naming the file and the key that is wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Protocol.model_validate(content)
    except OSError as error:
        raise MedadError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise MedadError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise MedadError(f"{path}: {key}: got {first.get('input')!r}; {first['msg']}") from error
