"""Modules of an unpacked anomalib wheel, loaded without the rest of it, whose import takes long.

Stand-ins replace the packages around them and what the comparison does not need: the extractor
from timm (a model gets the trunk it is compared with), kornia's Gaussian (scipy's takes its place)
and, for PatchCore, the blur of the maps.
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
    "anomalib.models.image.padim",
    "anomalib.models.image.reverse_distillation",
    "anomalib.models.image.stfpm",
    "anomalib.utils",
)

_COMPONENTS = "anomalib.models.components"


def sampler(folder: Path) -> Any:
    """anomalib's KCenterGreedy."""
    _packages()
    components = _COMPONENTS
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

    def features(layers: tuple[str, ...], **_: object) -> Any:
        return _features(trunk, layers)

    greedy, components = sampler(folder), _COMPONENTS
    mixin = _load(folder, f"{components}.base.dynamic_buffer").DynamicBufferMixin
    _give(components, DynamicBufferMixin=mixin, KCenterGreedy=greedy, TimmFeatureExtractor=features)
    _give("anomalib.data", InferenceBatch=dict)
    _give("anomalib.utils", deprecate=lambda **_: lambda function: function)
    _give("anomalib.models.image.patchcore.anomaly_map", AnomalyMapGenerator=Mapped)
    model = _load(folder, "anomalib.models.image.patchcore.torch_model").PatchcoreModel
    return model(layers=("layer2", "layer3"), backbone="resnet18")


def stpm(folder: Path, teacher: Any, student: Any) -> tuple[Any, Any]:
    """anomalib's STFPMModel of two trunks, and its loss."""
    _packages()
    trunks = iter((teacher, student))
    _give(_COMPONENTS, TimmFeatureExtractor=lambda layers, **_: _features(next(trunks), layers))
    _give("anomalib.data", InferenceBatch=dict)
    where = "anomalib.models.image.stfpm"
    _load(folder, f"{where}.anomaly_map")
    model = _load(folder, f"{where}.torch_model").STFPMModel(("layer1", "layer2", "layer3"))
    return model, _load(folder, f"{where}.loss").STFPMLoss()


def rdad(folder: Path, backbone: str, trunk: Any, side: int) -> tuple[Any, Any]:
    """anomalib's ReverseDistillationModel on a trunk, and its loss."""
    _packages()
    decoders = f"{_COMPONENTS}.backbone"
    sys.modules.setdefault(decoders, ModuleType(decoders))
    _give(
        _COMPONENTS,
        TimmFeatureExtractor=lambda layers, **_: _features(trunk, layers),
        GaussianBlur2d=_blur(),
    )
    _give(decoders, get_decoder=_load(folder, f"{decoders}.resnet_decoder").get_decoder)
    _give("anomalib.data", InferenceBatch=dict)
    sys.modules.setdefault("omegaconf", ModuleType("omegaconf"))
    _give("omegaconf", ListConfig=list)
    where = "anomalib.models.image.reverse_distillation"
    modes = _load(folder, f"{where}.anomaly_map").AnomalyMapGenerationMode
    parts = f"{where}.components"
    sys.modules.setdefault(parts, ModuleType(parts))
    bottleneck = _load(folder, f"{parts}.bottleneck").get_bottleneck_layer
    _give(parts, get_bottleneck_layer=bottleneck)
    made = _load(folder, f"{where}.torch_model").ReverseDistillationModel
    layers = ("layer1", "layer2", "layer3")
    model = made(backbone, (side, side), layers, modes.ADD, pre_trained=False)
    return model, _load(folder, f"{where}.loss").ReverseDistillationLoss()


def padim(folder: Path, trunk: Any, channels: Any) -> Any:
    """anomalib's PadimModel on a ResNet-18 trunk, with these channels of its layers 1 to 3."""
    _packages()
    base, stats = f"{_COMPONENTS}.base", f"{_COMPONENTS}.stats"
    extractors = f"{_COMPONENTS}.feature_extractors"
    for name in (base, stats, extractors):
        sys.modules.setdefault(name, ModuleType(name))
    _give(base, DynamicBufferMixin=_load(folder, f"{base}.dynamic_buffer").DynamicBufferMixin)
    gaussian = _load(folder, f"{stats}.multi_variate_gaussian").MultiVariateGaussian

    def features(layers: Any, **_: object) -> Any:
        made = _features(trunk, layers)
        made.out_dims = [64, 128, 256]
        return made

    _give(
        _COMPONENTS,
        GaussianBlur2d=_blur(),
        MultiVariateGaussian=gaussian,
        TimmFeatureExtractor=features,
    )
    _give(extractors, dryrun_find_featuremap_dims=None)
    _give("anomalib.data", InferenceBatch=dict)
    where = "anomalib.models.image.padim"
    _load(folder, f"{where}.anomaly_map")
    layers = ["layer1", "layer2", "layer3"]
    model = _load(folder, f"{where}.torch_model").PadimModel(
        layers=layers, n_features=len(channels)
    )
    model.idx = channels
    return model


def _packages() -> None:
    for name in _PACKAGES:
        sys.modules.setdefault(name, ModuleType(name))


def _blur() -> Any:
    """kornia's Gaussian, as anomalib has it: cut at 4 sigma, mirrored about the edge pixels."""
    import torch
    from scipy.ndimage import gaussian_filter

    class Blur(torch.nn.Module):
        def __init__(self, sigma: Any, **_: object) -> None:
            super().__init__()
            self.sigma = sigma[0]

        def forward(self, maps: Any) -> Any:
            sigma = (0, 0, self.sigma, self.sigma)
            return torch.from_numpy(gaussian_filter(maps.numpy(), sigma, mode="mirror"))

    return Blur


def _features(trunk: Any, layers: Any) -> Any:
    """What anomalib's extractor is to it: a module from images to a dict of layers."""
    import torch

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk

        def forward(self, images: Any) -> dict[str, Any]:
            numbers = {name: int(name[-1]) for name in layers}
            found = self.trunk(images, tuple(numbers.values()))
            return {name: found[number].contiguous() for name, number in numbers.items()}

    return Features()


def _give(module: str, **values: object) -> None:
    for name, value in values.items():
        setattr(sys.modules[module], name, value)


def _load(folder: Path, name: str) -> Any:
    path = folder / Path(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # for the imports of its neighbours
    spec.loader.exec_module(module)
    return module
