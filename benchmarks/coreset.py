"""Greedy k-center: blocked exact against one matrix-vector pass a choice, and anomalib's sampler.

    python benchmarks/coreset.py --features 12500 --dimension 256 --fraction 0.1

The matrix-vector baseline keeps approximate float32 distances, as patchcore-inspection does, so its
order may differ where two points are nearly as far. ``--anomalib FOLDER`` also times the sampler
of an unpacked anomalib wheel. ``--bank FILE`` takes features from a .npy file, read as a memory
map. ``--max-memory MIB``: the process may map no more than that, features and libraries included.
``--passes N``: the others make N choices, and their time is taken to be the same for each.
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import Any

from measure import best, row, threads


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--features", type=int, default=12_500)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--rank", type=int, default=32, help="directions the features vary in")
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--bank", type=Path, help="features (N, D) float32 in a .npy file")
    parser.add_argument("--anomalib", type=Path, help="folder of an unpacked anomalib wheel")
    parser.add_argument("--max-memory", type=int, help="MiB of address space")
    parser.add_argument("--passes", type=int, help="choices the others make; default all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    threads(args.threads)
    if args.max_memory:
        resource.setrlimit(resource.RLIMIT_AS, (args.max_memory << 20,) * 2)

    import numpy as np

    from medad.neighbors.coreset import greedy

    if args.bank:
        features: Any = np.load(args.bank, mmap_mode="r")
    else:
        rng = np.random.default_rng(args.seed)
        values = rng.standard_normal((args.features, args.rank), dtype=np.float32)
        values = values @ rng.standard_normal((args.rank, args.dimension), dtype=np.float32)
        values += 0.1 * rng.standard_normal(values.shape, dtype=np.float32)
        features = np.maximum(values, 0)
    count = max(1, round(args.fraction * len(features)))
    passes = args.passes or count
    orders: dict[str, Any] = {}

    start = 0

    def blocked() -> None:
        orders["blocked exact"] = greedy(features, count, start)

    norms = np.einsum("ij,ij->i", features, features)  # not counted

    def matrix_vector() -> None:
        order = np.full(passes, start, np.int64)
        nearest = np.full(len(features), np.inf, np.float32)
        for step in range(1, passes):
            last = order[step - 1]
            distances = norms - 2 * (features @ features[last]) + norms[last]
            np.minimum(nearest, distances, out=nearest)
            nearest[last] = -1
            order[step] = nearest.argmax()
        orders["matrix-vector"] = order

    def peer() -> None:
        torch.manual_seed(args.seed)
        chosen = greedy_of_anomalib(embedding, passes / len(features)).select_coreset_idxs()
        orders["anomalib"] = np.array(chosen)

    functions = {"blocked exact": blocked, "matrix-vector": matrix_vector}
    if args.anomalib:
        import torch

        torch.set_num_threads(args.threads)
        torch.manual_seed(args.seed)
        start = int(torch.randint(high=len(features), size=(1,)))  # where it will begin
        from peer import sampler

        # Of three dimensions it takes the features as they are, without its random projection.
        embedding = torch.from_numpy(np.array(features))[:, None]
        greedy_of_anomalib = sampler(args.anomalib)
        functions["anomalib"] = peer
    seconds = best(functions, args.repeats)
    setting = f"{count} of {len(features)} x {features.shape[1]}, {args.threads} threads"
    if args.max_memory:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        setting += f", {used:.1f} GiB resident at most, {args.max_memory / 1024:.0f} GiB mapped"
    ours = set(orders["blocked exact"][:passes].tolist())
    for name, wanted in (("matrix-vector", "10"), ("anomalib", "20")):
        if name in seconds:
            same = len(ours & set(orders[name].tolist())) / passes
            against = f"{name} ({same:.1%} the same choices"
            against += f", from {passes} of them)" if args.passes else ")"
            other = seconds[name] * (count - 1) / (passes - 1)  # the first costs nothing
            row("coreset", setting, seconds["blocked exact"], against, other, wanted)


if __name__ == "__main__":
    main()
