"""PatchCore end to end: one cold run against the bare forward pass, and a matrix of runs.

    python benchmarks/patchcore.py --healthy data/raw/brain_mri/no --anomalous \
        data/raw/brain_mri/yes --weights data/weights/resnet18_imagenet_layer1-3.safetensors

Without folders, generated slices are taken; without weights, random ones. A cold run reads, embeds,
fits and scores; in the matrix (K = 2, 4, 6, 8, five draws each) the test images are embedded once,
and kept on disk, as a table does. ``--anomalib FOLDER`` (an unpacked wheel) makes the matrix with
anomalib's model too, on the same trunk, pixels, draws and first patch of each, 32 images at a time:
it reads and embeds the images in every run, as it would. Its training loop and its import (23 s)
are not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from measure import row, threads

SHOTS = (2, 4, 6, 8)
DRAWS = 5
LAYERS = (2, 3)
Draw = tuple[int, int]  # K, replicate
Draws = dict[Draw, list[int]]
STATE: dict[str, Any] = {}  # of a worker
PARAMETERS: dict[str, Any] = {
    "layers": LAYERS,
    "pool": 3,
    "coreset": 0.1,
    "neighbors": 9,
    "reweight": True,
    "smooth": 0.0,
}


@dataclass(frozen=True)
class Data:
    """Images as (path, sha256) below ``root``, the first ``healthy`` of them healthy."""

    root: Path
    listed: list[tuple[str, str]]
    healthy: int
    side: int
    weights: Path  # a trunk's
    cache: Path

    def labels(self, chosen: list[int]) -> list[int]:
        return [int(i >= self.healthy) for i in chosen]


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
    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec
    from medad.files import read_safetensors

    torch.set_num_threads(args.threads)
    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    starting = time.perf_counter() - begun
    if args.weights:
        tensors = read_safetensors(args.weights)[0]
        trunk.load_state_dict({name: tensors[name] for name in trunk.state_dict()})
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders = args.healthy, args.anomalous
        if args.healthy is None:
            folders = generate(place, args.images, args.side)
        listed = [
            (path.relative_to(path.parents[1]).as_posix(), digest(path))
            for folder in folders
            for path in sorted(folder.iterdir())
        ]
        healthy = sum(1 for _ in folders[0].iterdir())
        weights = place / "trunk.safetensors"
        checkpoint.save(weights, trunk, {})
        data = Data(folders[0].parent, listed, healthy, args.side, weights, place / "cache")
        rng = np.random.default_rng(0)
        draws = {
            (k, r): sorted(rng.choice(healthy, k, replace=False).tolist())
            for k in SHOTS
            for r in range(DRAWS)
        }
        bare = forward(trunk, len(listed), args.side)
        for k in (2, 8):
            begun = time.perf_counter()
            run(data, draws[k, 0], trunk, embedding(data, trunk))
            cold = time.perf_counter() - begun
            setting = f"cold run, K = {k}, {len(listed)} images at {args.side} px"
            setting += f", start {starting:.1f} s not counted"
            row("PatchCore", setting, cold, "the bare forward", bare, "0.87 (1.15 times its time)")
        seconds, found = matrix(data, draws, args.threads)
        setting = f"{len(draws)} runs of {len(listed)} images"
        if args.healthy:  # the generated ones have no tumours
            setting += f"; mean AUROC {means(found)}"
        row("PatchCore", setting, seconds, "as many bare forwards", len(draws) * bare, "-")
        if args.anomalib:
            other, theirs, same = peer(args.anomalib, trunk, data, draws)
            apart = max(abs(same[draw] - found[draw]) for draw in draws)
            against = f"anomalib, which embeds them in every run; mean AUROC {means(theirs)}; "
            against += f"with our banks at most {apart:.4f} off"
            row("PatchCore", setting, seconds, against, other, "10; AUROC within 0.005")


def run(data: Data, shots: list[int], trunk: Any, features: Any) -> float:
    """AUROC of one draw."""
    import numpy as np

    from medad.detectors.patchcore import PatchCore
    from medad.detectors.scores import Scores
    from medad.evaluation.auroc import auroc

    detector = PatchCore.of(PARAMETERS)
    pyramid = embedding(data, trunk)([data.listed[i] for i in shots])
    detector.fit(pyramid, np.random.default_rng(0))
    tested = [i for i in range(len(data.listed)) if i not in shots]
    parts = [
        detector.score(features([data.listed[i] for i in part])) for part in parted(tested, 16)
    ]
    return auroc(data.labels(tested), Scores.join(parts).image)


def embedding(data: Data, trunk: Any) -> Any:
    """Images -> pyramid, read and computed."""
    from medad.backbones.feature_cache import extract
    from medad.data.frame import Frame

    return lambda images: extract(trunk, data.root, images, Frame(data.side), LAYERS, "cpu")


def matrix(data: Data, draws: Draws, count: int) -> tuple[float, dict[Draw, float]]:
    """Seconds for all draws and their AUROC, by ``count`` processes of one thread, as jobs are."""
    threads(1)
    ordered = sorted(draws, reverse=True)  # the longest first
    with ProcessPoolExecutor(count, get_context("spawn"), prepare, (data,)) as pool:
        list(pool.map(warm, range(4 * count)))
        begun = time.perf_counter()
        table(data)
        jobs = [pool.submit(work, draws[draw], count) for draw in ordered]
        found = [job.result() for job in jobs]
        seconds = time.perf_counter() - begun
    return seconds, dict(zip(ordered, found, strict=True))


def table(data: Data) -> Any:
    """Features of all images, from disk when they are there for as many threads."""
    from medad.backbones.feature_cache import cached_features
    from medad.data.frame import Frame

    place = data.cache, data.weights, data.listed, data.root
    return cached_features(*place, Frame(data.side), LAYERS, "cpu", lambda *_: None)


def prepare(data: Data) -> None:
    """Start a worker of ``matrix``."""
    import torch

    from medad.backbones import checkpoint

    torch.set_num_threads(1)
    STATE.update(data=data, trunk=checkpoint.load(data.weights))


def warm(_: int) -> None:
    """Import what a run needs, as in the process that is timed cold."""
    import medad.detectors.patchcore
    import medad.evaluation.auroc  # noqa: F401

    time.sleep(0.2)


def work(shots: list[int], count: int) -> float:
    """``run`` in a worker, with features that ``count`` threads made."""
    import torch

    if "table" not in STATE:
        torch.set_num_threads(count)
        STATE["table"] = table(STATE["data"])
        torch.set_num_threads(1)
    return run(STATE["data"], shots, STATE["trunk"], STATE["table"].take)


def peer(
    folder: Path, trunk: Any, data: Data, draws: Draws
) -> tuple[float, dict[Draw, float], dict[Draw, float]]:
    """Seconds for all draws by anomalib's model, their AUROC, and that with our memory banks.

    Its sampler projects the features at random, so its banks are others.
    """
    import numpy as np
    import torch
    from peer import patchcore

    from medad.backbones.preprocess import normalise
    from medad.data.frame import Frame, load_frame
    from medad.detectors.patchcore import PatchCore
    from medad.evaluation.auroc import auroc

    def pixels(chosen: list[int]) -> Any:
        images = [load_frame(data.root, *data.listed[i], Frame(data.side)) for i in chosen]
        return normalise(np.stack(images)).contiguous()

    def scored(model: Any, shots: list[int]) -> float:
        tested = [i for i in range(len(data.listed)) if i not in shots]
        with torch.no_grad():
            scores = [model(pixels(part))["pred_score"] for part in parted(tested, 32)]
        return auroc(data.labels(tested), torch.cat(scores).double().numpy())

    seconds, found, same = 0.0, {}, {}
    for draw, shots in draws.items():
        trunk.to(memory_format=torch.contiguous_format)  # as it comes from timm
        begun = time.perf_counter()
        model = patchcore(folder, trunk)
        model.train()
        patches = len(model(pixels(shots)))
        # Its sampler begins where torch's global generator says: at the patch where ours began.
        first = int(np.random.default_rng(0).integers(patches))
        with patch.object(torch, "randint", return_value=torch.tensor([first])):
            model.subsample_embedding(PARAMETERS["coreset"])
        model.eval()
        found[draw] = scored(model, shots)
        seconds += time.perf_counter() - begun
        ours = PatchCore.of(PARAMETERS)
        ours.fit(embedding(data, trunk)([data.listed[i] for i in shots]), np.random.default_rng(0))
        model.memory_bank = ours.state()["bank"]
        same[draw] = scored(model, shots)
    return seconds, found, same


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


def means(found: dict[Draw, float]) -> str:
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
