"""ResNet trunks under torchvision's state-dict keys, with optional LeakyReLU and CBAM."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from medad.backbones.cbam import CBAM
from medad.backbones.norm import FixedNorm
from medad.backbones.spec import ARCHITECTURES, WIDTHS, TrunkSpec
from medad.errors import MedadError


class _Activation(nn.Module):
    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.slope = spec.slope if spec.activation == "leaky_relu" else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """In place: the convolution or addition before it does not need its own output."""
        if self.slope == 0:
            return nn.functional.relu(x, inplace=True)
        return nn.functional.leaky_relu(x, self.slope, inplace=True)


class _Block(nn.Module):
    """A residual block: basic (two 3x3) or, with expansion 4, a bottleneck (1x1, 3x3, 1x1).

    The stride of a bottleneck is in its 3x3 convolution, as in torchvision.
    """

    def __init__(self, spec: TrunkSpec, inputs: int, stage: int, stride: int) -> None:
        super().__init__()
        architecture = ARCHITECTURES[spec.name]
        outputs = WIDTHS[stage] * architecture.expansion
        inner = WIDTHS[stage] * architecture.inner
        if architecture.expansion == 1:
            shapes = [(inputs, inner, 3, stride), (inner, outputs, 3, 1)]
        else:
            shapes = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        self.convolutions = len(shapes)
        for number, (before, after, kernel, step) in enumerate(shapes, 1):
            self.add_module(f"conv{number}", _conv(before, after, kernel, step))
            self.add_module(f"bn{number}", FixedNorm(after))
        self.act = _Activation(spec)
        self.downsample = (
            nn.Sequential(_conv(inputs, outputs, 1, stride), FixedNorm(outputs))
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )
        has_attention = spec.attention == "block" and stage <= 3
        self.attention = CBAM(outputs, spec.attention_init) if has_attention else nn.Identity()
        self.gate_first = spec.placement == "pre_add"

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for number in range(1, self.convolutions + 1):
            y = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(y))
            if number < self.convolutions:
                y = self.act(y)
        if self.gate_first:
            return self.act(self.attention(y) + self.downsample(x))  # type: ignore[no-any-return]
        return self.attention(self.act(y + self.downsample(x)))  # type: ignore[no-any-return]


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Trunk(nn.Module):
    """Stem and stages of a ResNet. Make one with ``build`` or ``medad.backbones.checkpoint``."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = FixedNorm(64)
        self.act = _Activation(spec)
        architecture = ARCHITECTURES[spec.name]
        channels = 64
        for stage in range(1, spec.depth + 1):
            blocks = nn.Sequential()
            for index in range(architecture.blocks[stage - 1]):
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(_Block(spec, channels, stage, stride))
                channels = WIDTHS[stage] * architecture.expansion
            self.add_module(f"layer{stage}", blocks)
            if spec.attention == "stage" and stage <= 3:
                self.add_module(f"attention{stage}", CBAM(channels, spec.attention_init))

    def forward(self, x: Tensor, layers: Iterable[int]) -> dict[int, Tensor]:
        """Outputs of ``layers`` (1 to the depth built): strides 4, 8, 16, 32.

        ``x``: (N, 3, H, W), normalised as the ``spec`` says. Nothing beyond the deepest layer is
        computed.
        """
        wanted = sorted(set(layers))
        if not wanted or wanted[0] < 1 or wanted[-1] > self.spec.depth:
            raise MedadError(
                f"layers {wanted} asked of a {self.spec.name} that has 1 to {self.spec.depth}; "
                "change `layers`, or use weights that hold the layer"
            )
        x = self.act(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        outputs = {}
        for stage in range(1, wanted[-1] + 1):
            x = self.get_submodule(f"layer{stage}")(x)
            if self.spec.attention == "stage" and stage <= 3:
                x = self.get_submodule(f"attention{stage}")(x)
            if stage in wanted:
                outputs[stage] = x
        return outputs


def empty(spec: TrunkSpec) -> Trunk:
    """A trunk in eval mode whose weights are memory not yet written: fill all of them."""
    with torch.device("meta"):
        trunk = Trunk(spec)
    return trunk.to_empty(device="cpu").eval()


def attentions(trunk: Trunk) -> dict[str, CBAM]:
    """The CBAM modules by name, in the order of the forward pass within their kind."""
    return {name: module for name, module in trunk.named_modules() if isinstance(module, CBAM)}


@torch.no_grad()
def build(spec: TrunkSpec, generator: Generator) -> Trunk:
    """A randomly initialised trunk, in eval mode.

    As torchvision: convolutions N(0, 2 / fan out) (He et al. 2015), batch norm at weight 1 and
    bias 0. Global random state is neither read nor changed.
    """
    trunk = empty(spec)
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size)
            module.weight.normal_(0, math.sqrt(2 / fan_out), generator=generator)
        elif isinstance(module, FixedNorm):
            module.reset()
    for attention in attentions(trunk).values():
        attention.initialise(generator)
    return trunk


@torch.no_grad()
def rebuild(start: Trunk, spec: TrunkSpec, generator: Generator) -> Trunk:
    """``start``'s weights in a trunk of another activation, attention or (smaller) depth.

    Attention that ``start`` has not is initialised from ``generator``; nothing else is drawn.
    """
    trunk = empty(spec)
    for attention in attentions(trunk).values():
        attention.initialise(generator)
    ours, theirs = trunk.state_dict(), start.state_dict()
    gates = {
        f"{name}.{key}" for name, gate in attentions(trunk).items() for key in gate.state_dict()
    }
    if start.spec.name != spec.name or not ours.keys() <= gates | theirs.keys():
        raise MedadError(
            f"a {start.spec.name} of depth {start.spec.depth} cannot become a {spec.name} of depth "
            f"{spec.depth}; use weights that hold every layer asked for"
        )
    trunk.load_state_dict({key: theirs[key] for key in ours.keys() & theirs.keys()}, strict=False)
    return trunk
