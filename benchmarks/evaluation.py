"""Exact PRO, pixel AUROC and bootstrap intervals of a large test set, in seconds.

python benchmarks/evaluation.py --images 1000 --side 256 --resamples 2000
"""

from __future__ import annotations

import argparse
import time

from measure import row, threads


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    threads(args.threads)

    import numpy as np

    from medad.evaluation.intervals import Run, bootstrap
    from medad.evaluation.localisation import pixel_auroc, pro
    from medad.evaluation.scores import Scores

    rng = np.random.default_rng(0)
    count, side = args.images, args.side
    label = np.arange(count) % 2
    masks = np.zeros((count, side, side), np.bool_)
    for number in np.flatnonzero(label):
        top, left = rng.integers(0, side - side // 6, 2)
        masks[number, top : top + side // 6, left : left + side // 8] = True
    maps = rng.standard_normal((count, side, side), dtype=np.float32) + masks
    names = np.array([f"{number}.png" for number in range(count)])
    runs = {}
    for method in range(2):
        score = rng.standard_normal(count) + label
        roles = np.full(count, "test")
        scores = Scores(names, names, label, np.arange(count), roles, score)
        runs[str(method), 4, 0] = Run(scores, frozenset())

    begun = time.perf_counter()
    pro(maps, masks)
    pixel_auroc(maps, masks)
    between = time.perf_counter()
    bootstrap(runs, args.resamples, np.random.default_rng(1))
    ended = time.perf_counter()
    sizes = f"{count} images with {side} x {side} maps"
    setting = f"{sizes}, PRO and pixel AUROC {between - begun:.1f} s, "
    setting += f"{args.resamples} resamples of two methods {ended - between:.1f} s"
    row("evaluation", setting, ended - begun, "60 s", 60.0, "1")


if __name__ == "__main__":
    main()
