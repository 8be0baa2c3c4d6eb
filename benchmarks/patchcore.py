"""PatchCore end to end: one cold run against the bare forward pass, and a matrix of runs.

    python benchmarks/patchcore.py --healthy data/raw/brain_mri/no --anomalous \
        data/raw/brain_mri/yes --weights data/weights/resnet18_imagenet_layer1-3.safetensors

Without folders, generated slices are taken; without weights, random ones. A cold run reads, embeds,
fits and scores; in the matrix (K = 2, 4, 6, 8, five draws each) the test images are embedded once,
and kept on disk, as a table does. ``--anomalib FOLDER`` (an unpacked wheel) makes the matrix with
anomalib's model too, on the same trunk, pixels, draws and first patch of each, 32 images at a time;
its training loop, its own reading of images and its import (23 s) are not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from measure import row, threads

SHOTS = (2, 4, 6, 8)
DRAWS = 5
LAYERS = (2, 3)
PARAMETERS: dict[str, Any] = {
    "layers": LAYERS,
    "pool": 3,
    "coreset": 0.1,
    "neighbors": 9,
    "reweight": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--healthy", type=Path)
    parser.add_argument("--anomalous", type=Path)
    parser.add_argument("--weights", type=Path, help="ResNet-18 safetensors")
    parser.add_argument("--anomalib", type=Path, help="folder of an unpacked anomalib wheel")
    parser.add_argument("--images", type=int, default=20, help="of either kind, when generated")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    threads(args.threads)
    begun = time.perf_counter()

    import numpy as np
    import torch

    from medad.backbones import checkpoint
    from medad.backbones.feature_cache import cached_features, extract
    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec
    from medad.detectors.patchcore import PatchCore
    from medad.detectors.scores import Scores
    from medad.evaluation.auroc import auroc
    from medad.files import read_safetensors

    torch.set_num_threads(args.threads)
    starting = time.perf_counter() - begun
    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    if args.weights:
        tensors = read_safetensors(args.weights)[0]
        trunk.load_state_dict({name: tensors[name] for name in trunk.state_dict()})
    with tempfile.TemporaryDirectory() as place:
        folders = args.healthy, args.anomalous
        if args.healthy is None:
            folders = generate(Path(place), args.images, args.side)
        listed = [
            (path.relative_to(path.parents[1]).as_posix(), digest(path))
            for folder in folders
            for path in sorted(folder.iterdir())
        ]
        root = folders[0].parent
        healthy = sum(1 for _ in folders[0].iterdir())
        weights = Path(place) / "trunk.safetensors"
        checkpoint.save(weights, trunk, {})

        def embed(images: list[Any]) -> dict[int, Any]:
            return extract(trunk, root, images, args.side, LAYERS, "cpu")

        def run(shots: list[int], features: Any) -> float:
            """AUROC of one draw."""
            detector = PatchCore.of(PARAMETERS)
            detector.fit(embed([listed[i] for i in shots]), np.random.default_rng(0))
            tested = [i for i in range(len(listed)) if i not in shots]
            parts = [
                detector.score(features([listed[i] for i in part])) for part in parted(tested, 16)
            ]
            return auroc([int(i >= healthy) for i in tested], Scores.join(parts).image)

        rng = np.random.default_rng(0)
        draws = {
            (k, r): sorted(rng.choice(healthy, k, replace=False).tolist())
            for k in SHOTS
            for r in range(DRAWS)
        }
        bare = forward(trunk, len(listed), args.side)
        for k in (2, 8):
            begun = time.perf_counter()
            run(draws[k, 0], embed)
            cold = time.perf_counter() - begun
            setting = f"cold run, K = {k}, {len(listed)} images at {args.side} px"
            setting += f", start {starting:.1f} s not counted"
            row("PatchCore", setting, cold, "the bare forward", bare, "0.87 (1.15 times its time)")
        begun = time.perf_counter()
        cache = Path(place) / "cache"
        table = cached_features(
            cache, weights, listed, root, args.side, LAYERS, "cpu", lambda *_: None
        )
        found = {key: run(shots, table.take) for key, shots in draws.items()}
        matrix = time.perf_counter() - begun
        setting = f"{len(draws)} runs of {len(listed)} images; mean AUROC {means(found)}"
        row("PatchCore", setting, matrix, "as many bare forwards", len(draws) * bare, "10")
        if args.anomalib:
            begun = time.perf_counter()
            theirs = peer(args.anomalib, trunk, root, listed, healthy, draws, args.side)
            seconds = time.perf_counter() - begun
            largest = max(abs(theirs[key] - found[key]) for key in draws)
            against = f"anomalib, mean AUROC {means(theirs)}; largest difference {largest:.4f}"
            row("PatchCore", setting, matrix, against, seconds, "10, AUROC within 0.005")


def peer(
    folder: Path,
    trunk: Any,
    root: Path,
    listed: list[Any],
    healthy: int,
    draws: dict[Any, list[int]],
    side: int,
) -> dict[Any, float]:
    """AUROC of every draw by anomalib's model."""
    import numpy as np
    import torch
    from peer import patchcore

    from medad.backbones.preprocess import normalise
    from medad.data.images import load_square
    from medad.evaluation.auroc import auroc

    trunk.to(memory_format=torch.contiguous_format)  # as it comes from timm

    def pixels(chosen: list[int]) -> Any:
        return normalise(np.stack([load_square(root, *listed[i], side) for i in chosen]))

    found = {}
    for key, shots in draws.items():
        model = patchcore(folder, trunk)
        model.train()
        patches = len(model(pixels(shots).contiguous()))
        # Its sampler begins where torch's global generator says: at the patch where ours began.
        first = int(np.random.default_rng(0).integers(patches))
        with patch.object(torch, "randint", return_value=torch.tensor([first])):
            model.subsample_embedding(PARAMETERS["coreset"])
        model.eval()
        tested = [i for i in range(len(listed)) if i not in shots]
        with torch.no_grad():
            scores = [model(pixels(part).contiguous())["pred_score"] for part in parted(tested, 32)]
        labels = [int(i >= healthy) for i in tested]
        found[key] = auroc(labels, torch.cat(scores).double().numpy())
    return found


def forward(trunk: Any, count: int, side: int) -> float:
    """Seconds of ``count`` forward passes of one image."""
    import torch

    x = torch.rand(1, 3, side, side).to(memory_format=torch.channels_last)
    trunk.to(memory_format=torch.channels_last)
    with torch.no_grad():
        trunk(x, LAYERS)
        begun = time.perf_counter()
        for _ in range(count):
            trunk(x, LAYERS)
    return time.perf_counter() - begun


def means(found: dict[Any, float]) -> str:
    """Mean AUROC of every K."""
    return ", ".join(
        f"K = {k}: {sum(found[k, r] for r in range(DRAWS)) / DRAWS:.3f}" for k in SHOTS
    )


def parted(values: list[int], size: int) -> Iterator[list[int]]:
    """In order, ``size`` at a time."""
    return (values[begin : begin + size] for begin in range(0, len(values), size))


def digest(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def generate(place: Path, count: int, side: int) -> tuple[Path, Path]:
    """Folders of slices, with no tumours in either: their AUROC says nothing."""
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
