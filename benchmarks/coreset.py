"""Greedy k-center: blocked exact against one matrix-vector pass a choice.

    python benchmarks/coreset.py --features 37600 --dimension 384 --fraction 0.1

Prints times and their ratio from one run. The baseline keeps approximate float32 distances, as
patchcore-inspection does, so its order may differ where two points are nearly as far.
"""

from __future__ import annotations

import argparse
import os
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--features", type=int, default=12_500)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--rank", type=int, default=32, help="directions the features vary in")
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(args.threads)  # read when numpy is imported

    import numpy as np

    from medad.neighbors.coreset import greedy

    rng = np.random.default_rng(args.seed)
    values = rng.standard_normal((args.features, args.rank), dtype=np.float32)
    values = values @ rng.standard_normal((args.rank, args.dimension), dtype=np.float32)
    values += 0.1 * rng.standard_normal(values.shape, dtype=np.float32)
    features = np.maximum(values, 0)
    count = max(1, round(args.fraction * args.features))

    def matrix_vector() -> np.ndarray:
        norms = np.square(features).sum(1)
        order = np.zeros(count, np.int64)
        nearest = np.full(len(features), np.inf, np.float32)
        for step in range(1, count):
            last = order[step - 1]
            distances = norms - 2 * (features @ features[last]) + norms[last]
            np.minimum(nearest, distances, out=nearest)
            nearest[last] = -1
            order[step] = nearest.argmax()
        return order

    seconds = {"matrix-vector": np.inf, "blocked exact": np.inf}
    orders: dict[str, np.ndarray] = {}
    for _ in range(args.repeats):
        for name, function in (
            ("blocked exact", lambda: greedy(features, count, 0)),
            ("matrix-vector", matrix_vector),
        ):
            begun = time.perf_counter()
            orders[name] = function()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    plain, blocked = seconds["matrix-vector"], seconds["blocked exact"]
    shared = len(np.intersect1d(orders["blocked exact"], orders["matrix-vector"])) / count
    print(f"{count} of {args.features} x {args.dimension}, {args.threads} threads, best time")
    print(f"matrix-vector {plain:.2f} s, blocked exact {blocked:.2f} s")
    print(f"ratio {plain / blocked:.1f}, same choices {shared:.2%}")


if __name__ == "__main__":
    main()
