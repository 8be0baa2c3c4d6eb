from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.lineage.open_points import PAGE, Point, closed, points

ROOT = Path(__file__).resolve().parents[2]
TEXT = """# Page
| open point | key | shipped |
| --- | --- | --- |
| before any method | `image.side` | 1 |

## f-AnoGAN and GANomaly

Text.

| open point | key | shipped |
|---|---|---|
| of both: not stated | `epochs`, `views` | see the file |
| size of GANomaly's images | `resolution` | 32 |

| other | key |
| --- | --- |
| not a point | `batch` |
"""


def test_rows_of_the_right_tables_are_points() -> None:
    heading = "f-AnoGAN and GANomaly"
    assert points(TEXT) == [
        Point("Page", "before any method", ("image.side",)),
        Point(heading, "of both: not stated", ("epochs", "views")),
        Point(heading, "size of GANomaly's images", ("resolution",)),
    ]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("image.side", "before any method"),
        ("detectors.fanogan.epochs", "of both: not stated"),
        ("detectors.ganomaly.epochs", "of both: not stated"),
        ("detectors.ganomaly.views.crop", "of both: not stated"),
        ("detectors.ganomaly.resolution", "size of GANomaly's images"),
        ("detectors.fanogan.resolution", None),
        ("detectors.efficientad.epochs", None),
        ("detectors.fanogan.encoder_epochs", None),
        ("detectors.fanogan.batch", None),
        ("seed", None),
    ],
)
def test_a_key_has_the_point_of_its_method(key: str, text: str | None) -> None:
    assert closed(points(TEXT), [key]).get(key) == text


def test_short_names_mean_the_section_that_has_most_of_them() -> None:
    row = Point("CONSULT", "strength", ("scale", "grid"))
    keys = ["stage1.consult.grid", "synthesis.consult.grid.steps", "synthesis.consult.scale"]
    assert closed([row], keys) == dict.fromkeys(keys[1:], "strength")


def flat(values: Any, above: str = "") -> list[str]:
    if not isinstance(values, dict):
        return [above.rstrip(".")]
    return [key for name, value in values.items() for key in flat(value, f"{above}{name}.")]


def test_the_shipped_page_is_read() -> None:
    keys = flat(yaml.safe_load((ROOT / "params.yaml").read_text()))
    found = closed(points((ROOT / PAGE).read_text()), keys)
    size = "size of a spot; strength of the augmentations: not stated"
    assert found["synthesis.consult.elastic.alpha"] == size
    assert found["stage1.consult.distance"] == "d_pull and d_push"
    assert "Algorithm 1" in found["synthesis.consult.shape"]
    assert "epochs" in found["stage1.segmentation.epochs"]
    assert "GANomaly" in found["detectors.ganomaly.resolution"]
    assert "zeros" in found["detectors.efficientad.border"]
    nothing_open = {"stage1.consult.grid", "stage1.consult.slope", "detectors.fanogan.resolution"}
    assert nothing_open <= set(keys)
    assert not nothing_open & set(found)
