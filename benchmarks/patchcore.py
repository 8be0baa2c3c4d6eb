"""PatchCore end to end: one cold run against the bare forward pass, and a matrix of runs.

    python benchmarks/patchcore.py --healthy data/raw/brain_mri/no --anomalous \
        data/raw/brain_mri/yes --weights data/weights/resnet18_imagenet_layer1-3.safetensors

Without folders, generated slices are taken; without weights, random ones. A cold run reads, embeds,
fits and scores; in the matrix (K = 2, 4, 6, 8, five draws each) the test images are embedded once.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import row, threads

SHOTS = (2, 4, 6, 8)
DRAWS = 5
# anomalib 2.7 on two such cores, brain_mri at 256 px, fit and score, without its import of 23 s;
# the mean of these two stands for all K.
PEER = {2: 0.3 + 7.8, 8: 4.2 + 8.4}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--healthy", type=Path)
    parser.add_argument("--anomalous", type=Path)
    parser.add_argument("--weights", type=Path, help="ResNet-18 safetensors")
    parser.add_argument("--images", type=int, default=20, help="of either kind, when generated")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    threads(args.threads)
    begun = time.perf_counter()

    import numpy as np
    import torch

    from medad.backbones.feature_cache import extract
    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec
    from medad.detectors.patchcore import PatchCore
    from medad.evaluation.auroc import auroc
    from medad.files import read_safetensors

    torch.set_num_threads(args.threads)
    starting = time.perf_counter() - begun
    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    if args.weights:
        tensors = read_safetensors(args.weights)[0]
        trunk.load_state_dict({name: tensors[name] for name in trunk.state_dict()})
    params: dict[str, Any] = {
        "layers": (2, 3),
        "pool": 3,
        "coreset": 0.1,
        "neighbors": 9,
        "reweight": True,
    }
    with tempfile.TemporaryDirectory() as place:
        folders = args.healthy, args.anomalous
        if args.healthy is None:
            folders = generate(Path(place), args.images, args.side)
        images = [
            (path.relative_to(path.parents[1]).as_posix(), hashlib.sha256(path.read_bytes()))
            for folder in folders
            for path in sorted(folder.iterdir())
        ]
        listed = [(name, digest.hexdigest()) for name, digest in images]
        root = folders[0].parent
        healthy = sum(1 for _ in folders[0].iterdir())

        def embed(chosen: list[int]) -> dict[int, Any]:
            return extract(trunk, root, [listed[i] for i in chosen], args.side, (2, 3), "cpu")

        def run(shots: list[int], pyramid: dict[int, Any] | None) -> float:
            detector = PatchCore.of(params)
            detector.fit(embed(shots), np.random.default_rng(0))
            tested = [i for i in range(len(listed)) if i not in shots]
            if pyramid is None:
                scores = detector.score(embed(tested)).image
            else:
                chosen = {layer: maps[tested] for layer, maps in pyramid.items()}
                scores = detector.score(chosen).image
            return auroc([int(i >= healthy) for i in tested], scores)

        rng = np.random.default_rng(0)
        draws = {
            (k, r): sorted(rng.choice(healthy, k, replace=False).tolist())
            for k in SHOTS
            for r in range(DRAWS)
        }
        x = torch.rand(1, 3, args.side, args.side).to(memory_format=torch.channels_last)
        trunk.to(memory_format=torch.channels_last)
        with torch.no_grad():
            trunk(x, (2, 3))
            begun = time.perf_counter()
            for _ in listed:
                trunk(x, (2, 3))
        bare = time.perf_counter() - begun
        for k in (2, 8):
            begun = time.perf_counter()
            run(draws[k, 0], None)
            cold = time.perf_counter() - begun
            setting = f"cold run, K = {k}, {len(listed)} images at {args.side} px"
            setting += f", start {starting:.1f} s not counted"
            row("PatchCore", setting, cold, "the bare forward", bare, "0.87 (1.15 times its time)")
        begun = time.perf_counter()
        pyramid = embed(list(range(len(listed))))
        found = {key: run(shots, pyramid) for key, shots in draws.items()}
        matrix = time.perf_counter() - begun
    means = ", ".join(f"K = {k}: {np.mean([found[k, r] for r in range(DRAWS)]):.3f}" for k in SHOTS)
    setting = f"{len(draws)} runs of {len(listed)} images"
    if args.healthy:
        setting += f"; mean AUROC {means}"
    row("PatchCore", setting, matrix, "as many bare forwards", len(draws) * bare, "10")
    if args.healthy:
        peer = len(draws) * sum(PEER.values()) / len(PEER)
        row("PatchCore", setting, matrix, "anomalib 2.7, measured elsewhere", peer, "10")


def generate(place: Path, count: int, side: int) -> tuple[Path, Path]:
    from PIL import Image

    from medad.data.phantom import healthy_image

    folders = place / "healthy", place / "anomalous"
    for kind, folder in enumerate(folders):
        folder.mkdir()
        for number in range(count):
            picture = healthy_image(kind, number, side)
            Image.fromarray(picture).save(folder / f"{number}.png")
    return folders


if __name__ == "__main__":
    main()
