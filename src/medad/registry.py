"""Names a user writes -> "module:attribute" of what does the work."""

from __future__ import annotations

from collections.abc import Mapping

from medad.errors import MedadError

READERS = {
    "phantom": "medad.data.readers:phantom",
    "brain_mri": "medad.data.readers:brain_mri",
    "busi": "medad.data.readers:busi",
    "covid_xray": "medad.data.readers:covid_xray",
    "sipakmed": "medad.data.readers:sipakmed",
    "folder": "medad.data.readers:folder",
}
SYNTHESES = {"consult": "medad.synthesis.consult:build"}
# Those that read the test images, which leaks on purpose.
LEAKY_SYNTHESES = {"test_images": "medad.synthesis.test_images:build"}
STAGE1 = {
    "consult": "medad.pretraining.consult:train",
    "classification": "medad.pretraining.classification:train",
    "segmentation": "medad.pretraining.segmentation:train",
}
DETECTORS = {
    "patchcore": "medad.detectors.patchcore:PatchCore",
    "padim": "medad.detectors.padim:Padim",
    "spade": "medad.detectors.spade:Spade",
}
TRAINED_DETECTORS = {"adfa": "medad.detectors.adfa:Adfa"}  # those that train on features
IMAGE_DETECTORS = {  # those that train networks of their own and read images
    "fanogan": "medad.detectors.fanogan:FAnoGan",
    "ganomaly": "medad.detectors.ganomaly:Ganomaly",
    "efficientad": "medad.detectors.efficientad:EfficientAD",
    "patch_svdd": "medad.detectors.patch_svdd:PatchSvdd",
    "stpm": "medad.detectors.stpm:Stpm",
    "rdad": "medad.detectors.rdad:Rdad",
}
TAUGHT_DETECTORS = frozenset({"stpm", "rdad"})  # image detectors that learn from the backbone
# Keys of detectors that scoring alone reads: heads do not depend on them.
SCORING = {
    "patchcore": frozenset({"neighbors", "reweight", "smooth"}),
    "padim": frozenset({"smooth"}),
    "spade": frozenset({"neighbors"}),
    "adfa": frozenset({"score_operator", "image_score", "smooth", "order"}),
    "patch_svdd": frozenset({"combine"}),
    "rdad": frozenset({"smooth"}),
}
EVERY_DETECTOR = {**DETECTORS, **TRAINED_DETECTORS, **IMAGE_DETECTORS}
FIGURES = {
    "heat_maps": "medad.reporting.figures.heat_maps:draw",
    "attention": "medad.reporting.figures.attention:draw",
    "loss_surface": "medad.reporting.figures.loss_surface:draw",
    "training_curves": "medad.reporting.figures.training_curves:draw",
    "shot_counts": "medad.reporting.figures.shot_counts:draw",
    "score_histograms": "medad.reporting.figures.score_histograms:draw",
    "tumour_sheet": "medad.reporting.figures.tumour_sheet:draw",
    "covering_radius": "medad.reporting.figures.covering_radius:draw",
    "reconstructions": "medad.reporting.figures.reconstructions:draw",
    "failure_gallery": "medad.reporting.figures.failure_gallery:draw",
    "samples": "medad.reporting.figures.samples:draw",
    "head_curves": "medad.reporting.figures.head_curves:draw",
    "channel_attention": "medad.reporting.figures.channel_attention:draw",
}


def lookup(registry: Mapping[str, str], name: str, what: str) -> str:
    """The "module:attribute" of ``name``; MedadError listing the names that exist."""
    try:
        return registry[name]
    except KeyError as error:
        raise MedadError(f"{what}: got {name!r}; allowed: {', '.join(sorted(registry))}") from error
