"""Development draws: healthy shots of the pool, without opening an anomalous image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.config.models import Config, PhantomDataset
from medad.data import readers
from medad.data.frame import Frame
from medad.data.images import load
from medad.data.leakage import leakage_groups, thumbnail
from medad.data.phantom import PhantomSpec, generate
from medad.data.sampling import draw, shot_order
from medad.data.slices import expand
from medad.data.splits import grouped
from medad.errors import MedadError
from medad.files import sha256
from medad.registry import READERS, lookup
from medad.resolve import attribute
from medad.seeds import derive

SPLIT = "grouped"


@dataclass(frozen=True)
class Healthy:
    """The healthy images of a dataset: paths, uint8 (side, side, 3) each, leakage groups, and
    which may be a shot of split ``grouped``.
    """

    paths: list[str]
    images: npt.NDArray[np.uint8]
    groups: list[int]
    pool: list[bool]


def healthy_images(config: Config, root: Path) -> Healthy:
    """Of the only dataset in ``runs.datasets``.

    The pool is the one the tables draw from: groups are numbered by their first image, and the
    split permutes the healthy groups alone, so that anomalous images change neither, as long as no
    leakage group holds both labels. Raises MedadError for several datasets and for images that
    cannot be read.
    """
    if len(config.runs.datasets) != 1:
        raise MedadError(f"runs.datasets: got {config.runs.datasets}; a source is one dataset")
    dataset = config.runs.datasets[0]
    found = _phantom(config, dataset) if _generated(config, dataset) else _read(config, root)
    leakage = config.leakage
    thumbnails = np.stack([thumbnail(pixels, leakage.thumbnail) for _, _, pixels in found])
    groups = leakage_groups([digest for _, digest, _ in found], thumbnails, leakage.correlation)
    seed = derive(config.seed, {"dataset": dataset, "split": SPLIT}, "split")
    roles = grouped(
        [readers.HEALTHY] * len(found),
        groups,
        np.random.default_rng(seed),
        **config.splits.grouped.model_dump(),
    )
    frame = Frame.of(config.image.model_dump())
    images = np.stack([frame.cut(pixels) for _, _, pixels in found])
    return Healthy([path for path, _, _ in found], images, groups, roles.pool)


def development_draw(
    healthy: Healthy, dataset: str, number: int, seed: int, shots: int
) -> list[int]:
    """Indices of the ``shots`` images of draw ``number``, of different leakage groups.

    The purpose in the seed sets these draws apart from those of the tables.
    """
    identity: dict[str, str | int] = {"dataset": dataset, "split": SPLIT, "draw": number}
    rng = np.random.default_rng(derive(seed, identity, "development"))
    order = shot_order(healthy.pool, healthy.groups, rng, one_per_group=True)
    return draw(order, shots)


def _generated(config: Config, dataset: str) -> bool:
    return config.datasets[dataset].reader == "phantom"


def _phantom(config: Config, dataset: str) -> list[tuple[str, str, npt.NDArray[np.uint8]]]:
    """Path, name of the content, RGB pixels. Healthy image i is the same whatever else is made."""
    chosen = config.datasets[dataset]
    assert isinstance(chosen, PhantomDataset)
    style = (chosen.side, chosen.contrasts.model_dump())
    spec = PhantomSpec(chosen.healthy, 1, chosen.duplicates, *style)
    files = generate(spec, derive(config.seed, {"dataset": dataset}, "phantom"))
    return [
        (path, path, np.repeat(pixels[..., None], 3, axis=2))
        for path, pixels in files.items()
        if path.startswith("healthy/")
    ]


def _read(config: Config, root: Path) -> list[tuple[str, str, npt.NDArray[np.uint8]]]:
    """Path, sha256, RGB pixels of every healthy image; anomalous files are named, not opened."""
    dataset = config.runs.datasets[0]
    folder = root / config.root_of(dataset)
    reader: Any = attribute(lookup(READERS, config.datasets[dataset].reader, "reader"))
    entries = [e for e in reader(_names(folder)) if e.label == readers.HEALTHY]
    files = {e.path: sha256(folder / e.path) for e in entries}
    slices, bad = expand(folder, files, entries)
    if bad:
        raise MedadError(f"{bad[0][0]}: {bad[0][1]}")
    digests = [files[e.path.partition("#")[0]] for e in slices]
    return [
        (e.path, digest, load(folder, e.path, digest))
        for e, digest in zip(slices, digests, strict=True)
    ]


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise MedadError(f"{folder}: no such folder; place the dataset there or set its root")
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(p.as_posix() for p in paths if not any(x.startswith(".") for x in p.parts))
