"""The closed form against 200 Sinkhorn iterations, bisection, and finite differences."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.losses.soft_topk import largest, soft_topk


def sinkhorn(scores, k, epsilon, cost, iterations=200):
    """The plan's column of the anchor 0, times n: one row (n,), in the domain of logarithms."""
    n = len(scores)
    costs = torch.stack([scores**2, (scores - 1) ** 2], 1) / cost
    marginals = torch.tensor([k / n, (n - k) / n], dtype=scores.dtype).log()
    f, g = torch.zeros(n, 1, dtype=scores.dtype), torch.zeros(1, 2, dtype=scores.dtype)
    for _ in range(iterations):
        f = -math.log(n) - torch.logsumexp(g - costs / epsilon, 1, keepdim=True)
        g = marginals - torch.logsumexp(f - costs / epsilon, 0, keepdim=True)
    return n * (f + g - costs / epsilon).exp()[:, 0]


def drawn(seed, shape, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.rand(shape, generator=generator, dtype=torch.float64)


def test_golden_vector():
    scores = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0], dtype=torch.float64)
    golden = [0.99331, 0.95256, 0.73101, 0.26889, 0.04741, 0.00669, 0.00012, 0.0]
    assert float(largest(scores, -1)) == 1
    assert soft_topk(scores, 3, 0.1).tolist() == pytest.approx(golden, abs=6e-6)


@pytest.mark.parametrize("scale", [0.01, 0.5, 1.0, 2.0, 20.0, 100.0])
@pytest.mark.parametrize("n", [8, 100, 3136])
def test_equals_the_iterations_it_stands_for(n, scale):
    scores = drawn(n, n, scale)
    expected = sinkhorn(scores, 3, 0.1, largest(scores, -1))
    assert (soft_topk(scores, 3, 0.1) - expected).abs().max() < 1e-6
    single = soft_topk(scores.float(), 3, 0.1)
    assert (single.double() - expected).abs().max() < 1e-6


@given(
    st.lists(st.floats(0, 1e4), min_size=3, max_size=30),
    st.integers(1, 29),
    st.floats(1e-4, 10),
)
def test_weights_sum_to_k_and_fall_with_the_score(values, k, epsilon):
    k = min(k, len(values) - 1)
    scores = torch.tensor(values, dtype=torch.float64)
    found = soft_topk(scores, k, epsilon)
    assert float(found.sum()) == pytest.approx(k, rel=1e-9)
    assert (found >= 0).all()
    assert (found <= 1).all()
    ordered = found[scores.argsort()]
    assert (ordered.diff() <= 1e-12).all()


def test_almost_all_may_be_wanted_of_scores_far_from_the_least():
    scores = torch.tensor([0.0] + [39.9] * 29, dtype=torch.float64)
    found = soft_topk(scores, 29, 2.0, torch.tensor(1.0, dtype=torch.float64))
    assert float(found.sum()) == pytest.approx(29, rel=1e-9)


@given(st.integers(0, 1000), st.sampled_from([0.3, 0.1, 0.02]), st.integers(1, 5))
def test_gradient_is_that_of_finite_differences(seed, epsilon, k):
    scores = drawn(seed, (2, 3, 7)).requires_grad_()
    cost = largest(scores.detach(), -1)
    assert torch.autograd.gradcheck(lambda s: soft_topk(s, k, epsilon, cost), (scores,))


def test_gradient_equals_that_of_the_iterations():
    scores, upstream = drawn(1, 40).requires_grad_(), drawn(2, 40)
    cost = largest(scores.detach(), -1)
    (ours,) = torch.autograd.grad((soft_topk(scores, 3, 0.1) * upstream).sum(), scores)
    plan = sinkhorn(scores, 3, 0.1, cost, 400)
    (theirs,) = torch.autograd.grad((plan * upstream).sum(), scores)
    assert (ours - theirs).abs().max() < 1e-6 * theirs.abs().max()


def test_rows_do_not_depend_on_each_other_but_by_a_cost_they_share():
    scores = drawn(3, (4, 50), 2.0)
    whole = soft_topk(scores, 3, 0.1)
    for row in range(4):
        assert torch.allclose(soft_topk(scores[row], 3, 0.1), whole[row], rtol=0, atol=1e-12)
    shared = largest(scores, (0, 1))
    assert shared.shape == (1, 1)
    assert float(shared) == pytest.approx(float(scores.max() ** 2))
    assert not torch.allclose(soft_topk(scores, 3, 0.1, shared), whole)


def test_a_small_epsilon_is_the_hard_choice():
    scores = drawn(4, 200)
    for single in (scores, scores.float()):
        found = soft_topk(single, 3, 1e-6)
        chosen = torch.zeros_like(single)
        chosen[scores.argsort()[:3]] = 1
        assert torch.equal(found.round(decimals=4), chosen)


def test_how_selective_it_is_depends_on_the_scale():
    """Weights of the 3 nearest of 3136, of 3 in all, and their sum beside that of a hard choice.

    Golden values of distances from .1 to 1 times the scale.
    """
    uniform = 0.1 + 0.9 * torch.rand(64, 3136, generator=torch.Generator().manual_seed(0)).double()
    found = {}
    for scale in (0.5, 1, 2, 20, 100):
        scores = scale * uniform
        weights, nearest = soft_topk(scores, 3, 0.1), scores.topk(3, 1, largest=False)
        mass = weights.gather(1, nearest.indices).sum(1).mean()
        ratio = ((weights * scores).sum(1) / nearest.values.sum(1)).mean()
        found[scale] = (float(mass), float(ratio))
    assert [found[scale][0] for scale in (0.5, 1, 2)] == pytest.approx(
        [0.029, 0.048, 0.026], abs=0.003
    )
    assert max(found[20][0], found[100][0]) < 0.005
    assert [found[scale][1] for scale in (1, 100)] == pytest.approx([1.48, 5.30], rel=0.01)


def test_equal_scores_share():
    assert soft_topk(torch.full((6,), 0.5), 3, 0.1).tolist() == pytest.approx([0.5] * 6)
    assert soft_topk(torch.zeros(6), 3, 1e-4).tolist() == pytest.approx([0.5] * 6)


@pytest.mark.parametrize(("k", "epsilon"), [(0, 0.1), (5, 0.1), (9, 0.1), (2, 0.0), (2, -1.0)])
def test_what_cannot_be_chosen_is_refused(k, epsilon):
    with pytest.raises(MedadError, match="allowed"):
        soft_topk(torch.rand(5), k, epsilon)
