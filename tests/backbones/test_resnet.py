from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.backbones.resnet import attentions, build, rebuild
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "wide_resnet50_2": (3, 4, 6, 3)}


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _varied(spec, seed=0):
    """A random trunk whose batch norms do something."""
    trunk, generator = build(spec, _generator(seed)), _generator(seed + 1)
    state = trunk.state_dict()
    for key, tensor in state.items():
        if "bn" in key or "downsample.1" in key:
            low = -0.5 if key.endswith(("bias", "mean")) else 0.5
            tensor.uniform_(low, low + 1, generator=generator)
    return trunk


def _oracle(state, name, x, depth, slope=0.0):
    """ResNet (He et al. 2016, stride in the 3x3 as in torchvision) from a state dict alone."""

    def normed(x, conv, norm, stride):
        weight = state[f"{conv}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, var, gain, bias = (
            state[f"{norm}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + 1e-5) * gain + bias

    def act(x):
        return torch.where(x > 0, x, slope * x)

    x = F.max_pool2d(act(normed(x, "conv1", "bn1", 2)), 3, 2, 1)
    outputs = {}
    for stage in range(1, depth + 1):
        for block in range(BLOCKS[name][stage - 1]):
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            count = 2 if name == "resnet18" else 3
            strided = 1 if name == "resnet18" else 2
            y = x
            for number in range(1, count + 1):
                y = normed(
                    y, f"{at}.conv{number}", f"{at}.bn{number}", stride if number == strided else 1
                )
                y = act(y) if number < count else y
            if f"{at}.downsample.0.weight" in state:
                x = normed(x, f"{at}.downsample.0", f"{at}.downsample.1", stride)
            x = act(x + y)
        outputs[stage] = x
    return outputs


@pytest.mark.parametrize(
    ("name", "depth", "activation"),
    [
        ("resnet18", 4, "relu"),
        ("resnet18", 3, "leaky_relu"),
        ("resnet50", 3, "relu"),
        ("wide_resnet50_2", 3, "relu"),
    ],
)
def test_equals_an_independent_forward_pass(name, depth, activation):
    trunk = _varied(TrunkSpec(name, activation=activation, slope=0.02, depth=depth)).double()
    x = torch.randn(1, 3, 32, 40, generator=_generator(9), dtype=torch.float64)
    layers = range(1, depth + 1)
    with torch.no_grad():
        ours = trunk(x, layers)
        slope = 0.02 if activation == "leaky_relu" else 0.0
        expected = _oracle(trunk.state_dict(), name, x, depth, slope)
    for layer in layers:
        torch.testing.assert_close(ours[layer], expected[layer], rtol=1e-9, atol=1e-9)


@settings(max_examples=6, deadline=None)
@given(
    side=st.tuples(st.integers(32, 80), st.integers(32, 80)),
    wanted=st.sets(st.integers(1, 3), min_size=1),
)
def test_layers_halve_the_grid_and_no_other_is_returned(side, wanted):
    trunk = build(TrunkSpec("resnet18"), _generator())
    with torch.no_grad():
        outputs = trunk(torch.zeros(2, 3, *side), wanted)
    assert outputs.keys() == wanted
    for layer, output in outputs.items():
        stride = 2 ** (layer + 1)
        assert output.shape == (2, 32 * 2**layer, *(-(-s // stride) for s in side))


def test_nothing_beyond_the_deepest_layer_is_computed():
    trunk = build(TrunkSpec("resnet18"), _generator())
    trunk.layer3.register_forward_hook(lambda *_: pytest.fail("layer3 was computed"))
    trunk(torch.zeros(1, 3, 32, 32), [2])


@pytest.mark.parametrize("layers", [[], [0], [4]])
def test_a_layer_that_is_not_there_is_an_error(layers):
    trunk = build(TrunkSpec("resnet18"), _generator())
    with pytest.raises(MedadError, match="has 1 to 3"):
        trunk(torch.zeros(1, 3, 32, 32), layers)


@pytest.mark.parametrize("name", BLOCKS)
def test_keys_are_torchvision_s(name):
    keys = build(TrunkSpec(name), _generator()).state_dict().keys()
    convolutions = 2 if name == "resnet18" else 3
    norm = ("weight", "bias", "running_mean", "running_var")
    expected = {"conv1.weight", *(f"bn1.{part}" for part in norm)}
    for stage in (1, 2, 3):
        for block in range(BLOCKS[name][stage - 1]):
            at = f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                expected |= {f"{at}.conv{number}.weight"}
                expected |= {f"{at}.bn{number}.{part}" for part in norm}
            if block == 0 and (stage > 1 or name != "resnet18"):
                expected |= {f"{at}.downsample.0.weight"}
                expected |= {f"{at}.downsample.1.{part}" for part in norm}
    assert keys == expected


def test_initialisation_is_he_s_seeded_and_leaves_global_state_alone():
    state = torch.random.get_rng_state()
    first, same, other = (build(TrunkSpec("resnet18"), _generator(s)) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    weight = first.layer3[0].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
    assert torch.equal(weight, same.layer3[0].conv2.weight)
    assert not torch.equal(weight, other.layer3[0].conv2.weight)
    deeper = build(TrunkSpec("resnet18", depth=4), _generator(1))
    assert torch.equal(weight, deeper.layer3[0].conv2.weight)


@pytest.mark.parametrize("attention", ["stage", "block"])
@pytest.mark.parametrize("placement", ["pre_add", "post_add"])
def test_identity_attention_leaves_the_features_exactly(attention, placement):
    start = _varied(TrunkSpec("resnet18"))
    spec = replace(start.spec, attention=attention, placement=placement)
    x = torch.randn(1, 3, 48, 48, generator=_generator(5))
    with torch.no_grad():
        before, after = start(x, [1, 2, 3]), rebuild(start, spec, _generator())(x, [1, 2, 3])
    assert all(torch.equal(before[layer], after[layer]) for layer in before)


@pytest.mark.parametrize(("attention", "count"), [("none", 0), ("stage", 3), ("block", 6)])
def test_attention_sits_in_stages_1_to_3(attention, count):
    trunk = build(TrunkSpec("resnet18", attention=attention, depth=4), _generator())
    assert len(attentions(trunk)) == count


def test_block_attention_before_and_after_the_addition():
    """With every gate at a quarter, only the branch, or the whole block, is divided by four."""
    x = torch.rand(1, 64, 8, 8, generator=_generator())
    plain = _varied(TrunkSpec("resnet18"))
    for placement in ("pre_add", "post_add"):
        spec = replace(plain.spec, attention="block", placement=placement)
        block = rebuild(plain, spec, _generator()).layer1[0]
        for last in (block.attention.channel.expand, block.attention.spatial.conv):
            torch.nn.init.constant_(last.bias, -1e4)  # gates exactly 0
        expected = x if placement == "pre_add" else torch.zeros_like(x)
        with torch.no_grad():
            assert torch.equal(block(x), expected)


def test_rebuild_keeps_weights_draws_gates_and_refuses_what_is_lacking():
    start = _varied(TrunkSpec("resnet18", depth=4))
    spec = TrunkSpec(
        "resnet18", activation="leaky_relu", attention="stage", attention_init="ordinary"
    )
    first, other = (rebuild(start, spec, _generator(seed)) for seed in (1, 2))
    assert first.spec == spec
    for key, value in first.state_dict().items():
        if key.startswith("attention"):
            assert torch.isfinite(value).all()
        else:
            assert torch.equal(value, start.state_dict()[key])
    assert not torch.equal(
        first.attention1.channel.reduce.weight, other.attention1.channel.reduce.weight
    )
    with pytest.raises(MedadError, match="cannot become"):
        rebuild(first, replace(spec, depth=4), _generator())
    with pytest.raises(MedadError, match="cannot become"):
        rebuild(start, TrunkSpec("resnet50"), _generator())
