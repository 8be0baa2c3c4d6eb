"""SOFT top-k with its gradient: the closed form against the 200 Sinkhorn iterations it stands for.

    python benchmarks/soft_topk.py

Forward and backward of the weights of ``--rows`` patches among ``--positions`` centres, K = 3. The
iterations are those of the original, in plain products (its logarithmic fallback takes longer), and
autograd goes back through them. Then a step of ADFA on a batch, in a process of its own: the
most memory that it takes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from measure import best, row, threads

if TYPE_CHECKING:
    import torch

K, EPSILON, ITERATIONS = 3, 0.1, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--positions", type=int, default=3136)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--channels", type=int, default=448)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--step", action="store_true", help="only a step: its peak MiB")
    options = parser.parse_args()
    threads(options.threads)
    if options.step:
        print(step(options.positions, options.channels, options.batch))
        return
    import torch

    from medad.losses.soft_topk import soft_topk

    torch.set_num_threads(options.threads)
    drawn = torch.Generator().manual_seed(0)
    scores = torch.rand(options.rows, options.positions, generator=drawn)
    upstream = torch.rand(options.rows, options.positions, generator=drawn)

    def ours() -> torch.Tensor:
        leaf = scores.clone().requires_grad_()
        soft_topk(leaf, K, EPSILON).backward(upstream)
        assert leaf.grad is not None
        return leaf.grad

    def theirs() -> torch.Tensor:
        leaf = scores.clone().requires_grad_()
        sinkhorn(leaf).backward(upstream)
        assert leaf.grad is not None
        return leaf.grad

    far = float((ours() - theirs()).abs().max() / theirs().abs().max())
    seconds = best({"ours": ours, "theirs": theirs}, options.repeats)
    command = [sys.executable, __file__, "--step", "--threads", str(options.threads)]
    for name in ("positions", "channels", "batch"):
        command += [f"--{name}", str(getattr(options, name))]
    peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    setting = (
        f"{options.rows} of {options.positions}, gradients differ by {far:.0e}; a step of "
        f"{options.batch} images, {options.positions} x {options.positions}, {options.channels} "
        f"channels: peak {peak} MiB (wanted 4096)"
    )
    against = f"{ITERATIONS} Sinkhorn iterations"
    row("SOFT top-k", setting, seconds["ours"], against, seconds["theirs"], "50")


def sinkhorn(scores: torch.Tensor) -> torch.Tensor:
    """Weights (m, n), by the iterations of Xie et al."""
    import torch

    n = scores.shape[1]
    costs = torch.stack([scores.square(), (scores - 1).square()], 2)
    costs = costs / costs.detach().amax((1, 2), keepdim=True)
    kernel = (-costs / EPSILON).exp()
    points = torch.full((n, 1), 1 / n)
    anchors = torch.tensor([[K / n], [(n - K) / n]])
    right = torch.full((len(scores), 2, 1), 0.5)
    for _ in range(ITERATIONS):
        left = points / (kernel @ right)
        right = anchors / (kernel.mT @ left)
    return n * (left * kernel * right.mT)[..., 0]


def step(positions: int, channels: int, batch: int) -> int:
    """Peak MiB of a process that takes one step of ADFA's loss."""
    import torch

    from medad.losses.adaptation import Nearest, soft_distances

    drawn = torch.Generator().manual_seed(0)
    patches = torch.rand(batch, positions, channels, generator=drawn, requires_grad=True)
    centres = torch.rand(positions, channels, generator=drawn)
    nearest = Nearest(K, EPSILON, squared=False, cost="image")
    soft_distances(patches, centres, nearest).mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main()
