"""The embedded dataset: generated slices, healthy and with tumours, as PNG files in one zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from medad.data.anatomy import COMMON, Field, draw_anatomy, smooth_noise
from medad.data.lesions import draw_lesion
from medad.errors import MedadError

_HEALTHY, _ANOMALOUS, _COPY, _NAMES = range(4)  # purposes: an image depends on its number alone


@dataclass(frozen=True)
class PhantomSpec:
    """Numbers of images (``duplicates`` of the healthy are near copies) and their side in pixels.

    ``contrasts``: how often t1, t1c, t2 and flair occur. Raises MedadError when there would be
    nothing to copy or nothing to see, and for frequencies that do not sum to 1.
    """

    healthy: int
    anomalous: int
    duplicates: int
    side: int
    contrasts: Mapping[str, float] = field(default_factory=lambda: dict(COMMON))

    def __post_init__(self) -> None:
        if self.healthy < 1 or self.anomalous < 1 or not 0 <= self.duplicates < self.healthy:
            raise MedadError(
                f"phantom: healthy {self.healthy}, anomalous {self.anomalous}, duplicates "
                f"{self.duplicates}; healthy and anomalous start at 1, duplicates from 0 to "
                "healthy - 1"
            )
        if not 32 <= self.side <= 1024:
            raise MedadError(f"phantom: side {self.side}; allowed: 32 to 1024 pixels")
        often = self.contrasts.values()
        if not self.contrasts.keys() <= COMMON.keys() or abs(sum(often) - 1) > 1e-9:
            raise MedadError(
                f"phantom: contrasts {dict(self.contrasts)}; allowed: {', '.join(COMMON)}, with "
                "frequencies that sum to 1"
            )


def _acquire(generator: np.random.Generator, signal: Field) -> npt.NDArray[np.uint8]:
    """What a scanner makes of a signal: blur, ghost, coil shading, Rician noise, windowing."""
    side = signal.shape[0]
    image = gaussian_filter(signal, generator.uniform(0.003, 0.006) * side)
    if generator.uniform() < 0.3:  # motion
        ghost = np.roll(image, int(generator.integers(side // 8, side // 2)), axis=0)
        image = image + generator.uniform(0.01, 0.05) * ghost
    image = image * np.exp(generator.uniform(0.03, 0.12) * smooth_noise(generator, side, 0.25))
    sigma = generator.uniform(0.006, 0.020)
    real, imaginary = sigma * generator.standard_normal((2, side, side))
    image = np.hypot(image + real, imaginary)
    image = np.clip(image * generator.uniform(0.93, 1.07), 0.0, 1.0) ** generator.uniform(
        0.93, 1.07
    )
    return np.asarray(np.rint(255.0 * image), np.uint8)


def healthy_image(
    seed: int, number: int, side: int, contrasts: Mapping[str, float] = COMMON
) -> npt.NDArray[np.uint8]:
    """Healthy slice ``number``: uint8 (side, side)."""
    generator = np.random.default_rng([seed, _HEALTHY, number])
    return _acquire(generator, draw_anatomy(generator, side, contrasts).signal)


def anomalous_image(
    seed: int, number: int, side: int, contrasts: Mapping[str, float] = COMMON
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Slice ``number`` with a tumour, uint8 (side, side), and its mask with 1 inside."""
    generator = np.random.default_rng([seed, _ANOMALOUS, number])
    signal, mask = draw_lesion(generator, draw_anatomy(generator, side, contrasts))
    return _acquire(generator, signal), mask


def near_copy(
    generator: np.random.Generator, image: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """The same slice as another site would publish it: up to 0.7 % larger, 5 % brighter or darker,
    and once through JPEG.
    """
    side = image.shape[0]
    margin = 0.005 * side * generator.uniform(0.0, 0.7)
    box = (margin, margin, side - margin, side - margin)
    larger = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box=box)
    brighter = np.asarray(larger) * generator.uniform(0.95, 1.05)
    copy = Image.fromarray(np.rint(np.minimum(brighter, 255.0)).astype(np.uint8))
    stream = io.BytesIO()
    copy.save(stream, "JPEG", quality=int(generator.integers(90, 97)))
    return np.asarray(Image.open(stream).convert("L"))


def generate(
    spec: PhantomSpec, seed: int, progress: Callable[[int, int, str], None] | None = None
) -> dict[str, npt.NDArray[np.uint8]]:
    """Path to grey image (side, side): healthy/, anomalous/ and masks/ (0 and 255).

    Image i of a kind is the same whatever the numbers of images. Copies have file numbers like any
    other, so that nothing but the pixels gives them away.
    """
    total = spec.healthy + spec.anomalous
    originals = spec.healthy - spec.duplicates
    style = (spec.side, spec.contrasts)
    pictures = [healthy_image(seed, number, *style) for number in range(originals)]
    copied = np.random.default_rng([seed, _COPY]).permutation(originals)
    for number in range(spec.duplicates):
        generator = np.random.default_rng([seed, _COPY, number])
        pictures.append(near_copy(generator, pictures[int(copied[number % originals])]))
    files = {}
    names = np.random.default_rng([seed, _NAMES]).permutation(spec.healthy)
    for name, picture in zip(names.tolist(), pictures, strict=True):
        files[f"healthy/{name + 1:04d}.png"] = picture
    for number in range(spec.anomalous):
        image, mask = anomalous_image(seed, number, *style)
        files[f"anomalous/{number + 1:04d}.png"] = image
        files[f"masks/{number + 1:04d}.png"] = mask * np.uint8(255)
        if progress is not None:
            progress(spec.healthy + number + 1, total, "phantom")
    return dict(sorted(files.items()))


def pack(files: Mapping[str, npt.NDArray[np.uint8]]) -> bytes:
    """A zip of PNG files, in order, stored and with a fixed date: same images, same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, pixels in files.items():
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "PNG")
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, picture.getvalue())
    return stream.getvalue()
