import torch
from torch import nn

from medad.backbones.norm import FixedNorm


def _random_reference(channels):
    generator = torch.Generator().manual_seed(0)
    reference = nn.BatchNorm2d(channels)
    for tensor in (*reference.parameters(), reference.running_mean, reference.running_var):
        tensor.data.uniform_(0.5, 2, generator=generator)
    return reference.eval()


def test_equals_batch_norm_in_eval_mode_even_when_training():
    reference, ours = _random_reference(5), FixedNorm(5)
    ours.load_state_dict(reference.state_dict())  # num_batches_tracked is ignored
    x = torch.randn(3, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    before = ours.running_mean.clone()
    torch.testing.assert_close(ours.train()(x), reference(x))
    assert torch.equal(ours.running_mean, before)


def test_affine_part_learns_and_statistics_do_not():
    ours = FixedNorm(2)
    ours(torch.ones(1, 2, 3, 3)).sum().backward()
    assert ours.weight.grad.abs().min() > 0
    assert {name for name, _ in ours.named_parameters()} == {"weight", "bias"}


def test_reset_writes_every_tensor():
    ours = FixedNorm(3).to_empty(device="cpu")
    ours.reset(weight=0.0)
    assert ours.weight.tolist() == ours.bias.tolist() == ours.running_mean.tolist() == [0.0] * 3
    assert ours.running_var.tolist() == [1.0] * 3
