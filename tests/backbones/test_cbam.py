import numpy as np
import pytest
import torch

from medad.backbones.cbam import CBAM


def _made(init, channels=32, seed=0):
    module = CBAM(channels, init)
    module.initialise(torch.Generator().manual_seed(seed))
    return module


def _features(channels=32, side=9):
    return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(3))


def _oracle(module, x):
    """The two gates of the paper, equations 2 and 3, in numpy and loops."""
    weights = {k: v.detach().double().numpy() for k, v in module.state_dict().items()}
    x = x.double().numpy()

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def mlp(v):
        hidden = np.maximum(
            weights["channel.reduce.weight"] @ v + weights["channel.reduce.bias"], 0
        )
        return weights["channel.expand.weight"] @ hidden + weights["channel.expand.bias"]

    factor = 2 if module.init == "identity" else 1
    result = np.empty_like(x)
    for n, image in enumerate(x):
        gate = sigmoid(mlp(image.mean((1, 2))) + mlp(image.max((1, 2))))
        image = image * factor * gate[:, None, None]
        pooled = np.pad(np.stack([image.max(0), image.mean(0)]), ((0, 0), (3, 3), (3, 3)))
        logits = np.empty(image.shape[1:])
        for i, j in np.ndindex(*logits.shape):
            window = pooled[:, i : i + 7, j : j + 7]
            logits[i, j] = (weights["spatial.conv.weight"][0] * window).sum()
        if module.init == "reference":
            scale = weights["spatial.norm.weight"] / np.sqrt(
                weights["spatial.norm.running_var"] + 1e-5
            )
            logits = (logits - weights["spatial.norm.running_mean"]) * scale
            logits += weights["spatial.norm.bias"]
        else:
            logits += weights["spatial.conv.bias"]
        result[n] = image * factor * sigmoid(logits)
    return result


@pytest.mark.parametrize("init", ["identity", "ordinary", "reference"])
def test_equals_a_slow_reading_of_the_paper(init):
    module, x = _made(init), _features()
    with torch.no_grad():
        for parameter in module.parameters():  # away from the special starts
            parameter.add_(torch.linspace(-0.3, 0.3, parameter.numel()).view_as(parameter))
        np.testing.assert_allclose(module(x).numpy(), _oracle(module, x), rtol=1e-4, atol=1e-5)


def test_identity_changes_nothing_at_step_0_and_learns():
    module, x = _made("identity"), _features()
    assert torch.equal(module(x), x)
    module(x).square().sum().backward()
    assert module.channel.expand.weight.grad.abs().max() > 0
    assert module.spatial.conv.weight.grad.abs().max() > 0


def test_ordinary_starts_with_biases_and_shrinks_about_four_times():
    module, x = _made("ordinary", 64), _features(64)
    assert all(layer.bias.abs().max() > 0 for layer in (module.channel.reduce, module.spatial.conv))
    assert 0.1 < (module(x).norm() / x.norm()).item() < 0.5
    bound = 1 / (2 * 49) ** 0.5
    assert 0.8 * bound < module.spatial.conv.weight.abs().max() <= bound


def test_reference_has_a_closed_spatial_norm_and_no_convolution_bias():
    module, x = _made("reference"), _features()
    assert module.spatial.conv.bias is None
    assert torch.equal(module.spatial(x), torch.zeros(2, 1, 9, 9))
    assert module.channel.reduce.bias.tolist() == [0.0, 0.0]


def test_the_generator_decides():
    first, same, other = (_made("ordinary", seed=s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)
