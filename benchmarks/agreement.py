"""Whether PaDiM, STPM and RDAD are anomalib's: same weights, then trained on the phantom.

    python benchmarks/agreement.py --anomalib FOLDER

Maps of the same weights and images, as the correlation of their pixels; then AUROC on one test set
of ours and of anomalib's model, loss and optimizer, each trained by its own code from the same
first weights on the same batches. ``--page`` writes docs/agreement.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import threads

threads(1)

import numpy as np  # noqa: E402
import peer  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from medad.backbones.checkpoint import save  # noqa: E402
from medad.backbones.pyramid import features  # noqa: E402
from medad.backbones.resnet import Trunk, build  # noqa: E402
from medad.backbones.spec import TrunkSpec  # noqa: E402
from medad.backbones.weights import from_file  # noqa: E402
from medad.data.phantom import PhantomSpec, generate  # noqa: E402
from medad.detectors.epochs import Epochs  # noqa: E402
from medad.detectors.maps import upsample  # noqa: E402
from medad.detectors.padim import Padim  # noqa: E402
from medad.detectors.rdad import Rdad  # noqa: E402
from medad.detectors.rdad_networks import drawn  # noqa: E402
from medad.detectors.stpm import Stpm  # noqa: E402
from medad.detectors.training import Training  # noqa: E402
from medad.detectors.trunks import learning_trunk, pixels  # noqa: E402
from medad.evaluation.auroc import auroc  # noqa: E402
from medad.files import write_bytes  # noqa: E402

LAYERS = (1, 2, 3)
ORDERS = {Stpm: "student", Rdad: "decoder"}  # names of the draws of the images of a step
DIMENSIONS = 100
DOCS = Path(__file__).resolve().parents[1] / "docs"
Images = np.ndarray[Any, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--anomalib", type=Path, required=True, help="an unpacked wheel's folder")
    parser.add_argument("--weights", type=Path, help="ResNet-18 safetensors; random without")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--healthy", type=int, default=64, help="half trains, half is tested")
    parser.add_argument("--anomalous", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write docs/agreement.md")
    options = parser.parse_args()
    trunk = build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(1))
    if options.weights:
        trunk = from_file("resnet18", options.weights, None)
    images, labels = phantom(options.healthy, options.anomalous, options.side)
    half = options.healthy // 2
    train, test, labels = images[:half], images[half:], labels[half:]
    lines = [
        "# Agreement with anomalib",
        "",
        "Made by `python benchmarks/agreement.py --anomalib FOLDER"
        f"{' --weights FILE' if options.weights else ''} --page`, FOLDER being an unpacked wheel "
        "of anomalib 2.7.0, in an environment with torchvision.",
        f"Phantom of {options.side} pixels: {half} healthy images to train on, {half} healthy and "
        f"{options.anomalous} anomalous to test; {'ImageNet' if options.weights else 'random'} "
        f"ResNet-18. {options.epochs} epochs, anomalib's optimizers, the same first "
        f"weights and batches, mean of {options.seeds} seeds "
        "(PaDiM: draws of channels, the same for both).",
        "",
        "| method | maps of the same weights: least correlation | scores: largest difference | "
        "AUROC, ours | anomalib's | difference |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "trunk.safetensors"
        save(path, trunk, {})
        for name, compare in COMPARISONS.items():
            found = compare(options, Path(scratch), path, trunk, train, test, labels)
            correlation, gap, ours, theirs = found
            lines.append(
                f"| {name} | {correlation:.6f} | {gap:.1e} | {ours:.3f} | {theirs:.3f} | "
                f"{ours - theirs:+.3f} |"
            )
            print(lines[-1], flush=True)
    if options.page:
        write_bytes(DOCS / "agreement.md", ("\n".join(lines) + "\n").encode())


def phantom(healthy: int, anomalous: int, side: int) -> tuple[Images, Images]:
    """Healthy images, then anomalous ones, uint8 (N, side, side, 3), and their labels."""
    files = generate(PhantomSpec(healthy, anomalous, 0, side), 7)
    named = [
        (folder, np.repeat(pixels[..., None], 3, 2))
        for folder in ("healthy", "anomalous")
        for name, pixels in sorted(files.items())
        if name.startswith(f"{folder}/")
    ]
    labels = np.array([folder == "anomalous" for folder, _ in named], np.int64)
    return np.stack([image for _, image in named]), labels


Found = tuple[float, float, float, float]


def compared(ours: list[Images], theirs: list[Images]) -> float:
    """Least correlation of the pixels of two maps of an image."""
    return min(
        float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        for one, other in zip(ours, theirs, strict=True)
    )


def padim(options: Any, _: Path, __: Path, trunk: Trunk, train: Images, *tested: Images) -> Found:
    test, labels = tested
    known, seen = (features(trunk, images, LAYERS) for images in (train, test))
    params = {"layers": LAYERS, "align": "nearest", "dimensions": DIMENSIONS}
    values = []
    for seed in range(options.seeds):
        # anomalib adds 1e-5 to the diagonal beside its .01.
        ours = Padim.of({**params, "regularisation": 0.01001, "smooth": 4.0})
        ours.fit(known, np.random.default_rng(seed))
        found = ours.score(seen)
        model = peer.padim(options.anomalib, trunk, ours.state()["channels"])
        with torch.no_grad():
            model.train()(pixels(train, options.side))
            model.fit()
            other = model.eval()(pixels(test, options.side))
        whole = upsample(found.maps, options.side, 4.0)
        theirs = other["pred_score"].numpy().ravel()
        values.append(
            (
                compared(list(whole), list(other["anomaly_map"][:, 0].numpy())),
                float(np.abs(found.image / theirs - 1).max()),
                auroc(labels, found.image),
                auroc(labels, theirs),
            )
        )
    return summary(values)


def stpm(options: Any, scratch: Path, path: Path, trunk: Trunk, train: Images, *rest: Any) -> Found:
    settings = {
        "backbone": {"name": "resnet18", "normalisation": "imagenet"},
        "layers": LAYERS,
        "batch": 32,
        "reduction": "sum",
        "learning_rate": 0.4,
        "momentum": 0.9,
        "weight_decay": 1e-3,
    }

    def peer_of(student: Trunk) -> tuple[Any, Any]:
        return peer.stpm(options.anomalib, trunk, student)

    def made(detector: Stpm) -> tuple[Any, Any]:
        assert detector.networks is not None
        return peer_of(detector.networks["student"])

    def fresh(training: Training) -> tuple[Any, Any, Any]:
        model, loss = peer_of(learning_trunk("resnet18", 3, training))
        rest = {"lr": 0.4, "momentum": 0.9, "dampening": 0.0, "weight_decay": 1e-3}
        return model, loss, torch.optim.SGD(model.student_model.parameters(), **rest)

    return trained(options, scratch, path, Stpm, settings, made, fresh, train, *rest)


def rdad(options: Any, scratch: Path, path: Path, trunk: Trunk, train: Images, *rest: Any) -> Found:
    settings = {
        "backbone": {"name": "resnet18", "normalisation": "imagenet"},
        "batch": 32,
        "cosine": "images",
        "learning_rate": 0.005,
        "beta1": 0.5,
        "beta2": 0.99,
        "smooth": 4.0,
    }

    def peer_of() -> tuple[Any, Any]:
        return peer.rdad(options.anomalib, "resnet18", trunk, options.side)

    def made(detector: Rdad) -> tuple[Any, Any]:
        assert detector.networks is not None
        model, loss = peer_of()
        for theirs, name in ((model.bottleneck, "bottleneck"), (model.decoder, "decoder")):
            copied(detector.networks[name], theirs)
        return model, loss

    def fresh(training: Training) -> tuple[Any, Any, Any]:
        model, loss = peer_of()
        first = drawn("resnet18", training)
        copied(first["bottleneck"], model.bottleneck)
        copied(first["decoder"], model.decoder)
        weights = [*model.decoder.parameters(), *model.bottleneck.parameters()]
        return model, loss, torch.optim.Adam(weights, lr=0.005, betas=(0.5, 0.99))

    return trained(options, scratch, path, Rdad, settings, made, fresh, train, *rest)


@torch.no_grad()
def copied(ours: Any, theirs: Any) -> None:
    """Give ``theirs`` the weights and statistics of ours; those of one shape come in one order."""
    waiting: dict[tuple[int, ...], list[Tensor]] = {}
    for name, tensor in ours.state_dict().items():
        kind = name.rpartition(".")[2]
        waiting.setdefault((kind, *tensor.shape), []).append(tensor)
    for name, tensor in theirs.state_dict().items():
        found = waiting.get((name.rpartition(".")[2], *tensor.shape))
        if found:  # conv4 and bn4 of anomalib's bottleneck are never used
            tensor.copy_(found.pop(0))
    assert not any(waiting.values())


def trained(
    options: Any,
    scratch: Path,
    path: Path,
    detector: Any,
    settings: dict[str, Any],
    made: Callable[[Any], tuple[Any, Any]],
    fresh: Callable[[Training], tuple[Any, Any, Any]],
    train: Images,
    test: Images,
    labels: Images,
) -> Found:
    """Ours and theirs, each trained; and the maps of theirs with the weights of ours."""
    values = []
    for seed in range(options.seeds):
        folder = scratch / f"{detector.__name__}{seed}"
        folder.mkdir()
        training = Training(seed, folder, "", inputs={"weights": path})
        ours = detector.of({**settings, "side": options.side, "epochs": options.epochs})
        ours.fit(train, training)
        found = ours.score(test).image
        seen = pixels(test, options.side)
        model = made(ours)[0].eval()
        with torch.no_grad():
            same = [model(image[None]) for image in seen]
            maps = [ours.pixel_map(image) for image in seen]
        correlation = compared(maps, [one["anomaly_map"][0, 0].numpy() for one in same])
        gap = np.abs(found / np.array([float(one["pred_score"]) for one in same]) - 1).max()
        model, loss, optimizer = fresh(training)
        epochs = Epochs(training, ORDERS[detector], len(train), settings["batch"], options.epochs)
        known = pixels(train, options.side)
        for step in range(epochs.steps):
            model.train()
            optimizer.zero_grad()
            loss(*model(known[epochs.images(step)])).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            theirs = np.array([float(model(image[None])["pred_score"]) for image in seen])
        aurocs = [auroc(labels, one) for one in (found, theirs)]
        values.append((correlation, float(gap), *aurocs))
    return summary(values)


def summary(values: list[tuple[float, ...]]) -> Found:
    """Least correlation, largest difference, mean AUROC of ours and theirs."""
    correlations, gaps, ours, theirs = zip(*values, strict=True)
    return min(correlations), max(gaps), float(np.mean(ours)), float(np.mean(theirs))


COMPARISONS: dict[str, Callable[..., Found]] = {"PaDiM": padim, "STPM": stpm, "RDAD": rdad}

if __name__ == "__main__":
    main()
