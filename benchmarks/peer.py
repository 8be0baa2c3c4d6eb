"""Modules of an unpacked anomalib wheel, loaded without the rest of it, whose import takes long.

Stand-ins replace the packages around them and what the comparison does not need: the extractor
from timm (the model gets the trunk it is compared with) and the blur of the maps.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGES = (
    "anomalib",
    "anomalib.data",
    "anomalib.models",
    "anomalib.models.components",
    "anomalib.models.components.dimensionality_reduction",
    "anomalib.models.image",
    "anomalib.models.image.patchcore",
    "anomalib.models.image.patchcore.anomaly_map",
    "anomalib.utils",
)


def sampler(folder: Path) -> Any:
    """anomalib's KCenterGreedy."""
    for name in _PACKAGES:
        sys.modules.setdefault(name, ModuleType(name))
    components = "anomalib.models.components"
    reduction = f"{components}.dimensionality_reduction"
    projection = _load(folder, f"{reduction}.random_projection").SparseRandomProjection
    _give(reduction, SparseRandomProjection=projection)
    return _load(folder, f"{components}.sampling.k_center_greedy").KCenterGreedy


def patchcore(folder: Path, trunk: Any) -> Any:
    """anomalib's PatchcoreModel on ``trunk``, which returns a dict of its layers."""
    import torch

    class Mapped(torch.nn.Module):
        def __init__(self, **_: object) -> None:
            super().__init__()

        def forward(self, patch_scores: Any, _: object) -> Any:
            return patch_scores

    class Features(torch.nn.Module):
        def __init__(self, layers: tuple[str, ...], **_: object) -> None:
            super().__init__()
            self.numbers = {name: int(name[-1]) for name in layers}
            self.trunk = trunk

        def forward(self, images: Any) -> dict[str, Any]:
            found = self.trunk(images, self.numbers.values())
            return {name: found[number] for name, number in self.numbers.items()}

    greedy, components = sampler(folder), "anomalib.models.components"
    mixin = _load(folder, f"{components}.base.dynamic_buffer").DynamicBufferMixin
    _give(components, DynamicBufferMixin=mixin, KCenterGreedy=greedy, TimmFeatureExtractor=Features)
    _give("anomalib.data", InferenceBatch=dict)
    _give("anomalib.utils", deprecate=lambda **_: lambda function: function)
    _give("anomalib.models.image.patchcore.anomaly_map", AnomalyMapGenerator=Mapped)
    model = _load(folder, "anomalib.models.image.patchcore.torch_model").PatchcoreModel
    return model(layers=("layer2", "layer3"), backbone="resnet18")


def _give(module: str, **values: object) -> None:
    for name, value in values.items():
        setattr(sys.modules[module], name, value)


def _load(folder: Path, name: str) -> Any:
    path = folder / Path(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
