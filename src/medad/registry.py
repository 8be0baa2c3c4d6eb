"""Names a user writes -> "module:attribute" of what does the work."""

from __future__ import annotations

from collections.abc import Mapping

from medad.errors import MedadError

READERS = {
    "phantom": "medad.data.readers:phantom",
    "brain_mri": "medad.data.readers:brain_mri",
    "folder": "medad.data.readers:folder",
}
STAGE1 = {"consult": "medad.pretraining.consult:train"}
DETECTORS = {
    "patchcore": "medad.detectors.patchcore:PatchCore",
    "padim": "medad.detectors.padim:Padim",
}
IMAGE_DETECTORS = {  # those that train networks of their own and read images
    "efficientad": "medad.detectors.efficientad:EfficientAD",
}


def lookup(registry: Mapping[str, str], name: str, what: str) -> str:
    """The "module:attribute" of ``name``; MedadError listing the names that exist."""
    try:
        return registry[name]
    except KeyError as error:
        raise MedadError(f"{what}: got {name!r}; allowed: {', '.join(sorted(registry))}") from error
