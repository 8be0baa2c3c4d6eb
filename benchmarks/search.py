"""Exact nearest neighbours against the plain matrix product of the same shapes.

python benchmarks/search.py --queries 20000 --bank 4000 --dimension 384 --neighbors 1
"""

from __future__ import annotations

import argparse

from measure import best, row, threads


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--bank", type=int, default=4_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--neighbors", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    threads(args.threads)

    import numpy as np
    import torch

    from medad.neighbors.search import nearest

    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(0)
    queries = np.abs(rng.standard_normal((args.queries, args.dimension), dtype=np.float32))
    bank = np.abs(rng.standard_normal((args.bank, args.dimension), dtype=np.float32))
    q, b = torch.from_numpy(queries), torch.from_numpy(bank)
    # The product in the pieces in which it fits a cache-friendly buffer, as ours does.
    rows = max(1, (1 << 25) // (4 * args.bank))

    def product() -> None:
        for start in range(0, len(queries), rows):
            queries[start : start + rows] @ bank.T

    ours = "search"
    seconds = best({ours: lambda: nearest(q, b, args.neighbors), "product": product}, args.repeats)
    setting = (
        f"{args.queries} in {args.bank} x {args.dimension}, k = {args.neighbors}, "
        f"{args.threads} threads"
    )
    wanted = "0.83 (1.2 times its time)"
    row("search", setting, seconds[ours], "the matrix product alone", seconds["product"], wanted)


if __name__ == "__main__":
    main()
