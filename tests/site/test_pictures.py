from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from medad.site import pictures
from medad.site.pictures import Gallery


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two images, of which the index knows one as it is."""
    scans = tmp_path / "scans"
    scans.mkdir()
    pixels = np.arange(40 * 30, dtype=np.uint32).reshape(40, 30) % 251
    Image.fromarray(pixels.astype(np.uint8)).save(scans / "a.png")
    Image.fromarray((pixels > 600).astype(np.uint8) * 255).save(scans / "m.png")
    (tmp_path / ".prov").mkdir()
    settings = {"locations": {"d": "scans"}}
    (tmp_path / ".prov/settings.json").write_text(json.dumps(settings))
    return tmp_path


def row(project: Path, path: str = "a.png", mask: str = "") -> dict[str, str]:
    def digest(name: str) -> str:
        return hashlib.sha256((project / "scans" / name).read_bytes()).hexdigest()

    return {
        "path": path,
        "sha256": digest("a.png"),
        "mask": mask,
        "mask_sha256": digest(mask) if mask else "",
    }


def test_a_picture_is_the_image_made_square(project: Path) -> None:
    gallery = Gallery(project, project / "site")
    found = gallery.image("d", row(project))
    assert found.file == f"pictures/{row(project)['sha256']}.png"
    with Image.open(project / "site" / found.file) as picture:
        assert (picture.mode, picture.size) == ("L", (40, 40))
    assert found.outline == ""


def test_an_outline_goes_around_the_lesion(project: Path) -> None:
    found = Gallery(project, project / "site").image("d", row(project, mask="m.png"))
    drawn = np.zeros((pictures.SIDE, pictures.SIDE), np.uint8)
    for ring in found.outline.split("M")[1:]:
        points = [list(map(float, p.split())) for p in ring.rstrip("Z").split("L")]
        cv2.fillPoly(drawn, [np.array(points, np.float64).round().astype(np.int32)], 1)
    with Image.open(project / "scans/m.png") as mask:
        wanted = np.asarray(mask.resize((pictures.SIDE, pictures.SIDE), Image.Resampling.NEAREST))
    assert (drawn == (wanted > 0)).mean() > 0.98


def test_images_elsewhere_and_changed_images_are_placeholders(project: Path) -> None:
    gallery = Gallery(project, project / "site")
    assert gallery.image("other", row(project)).missing == pictures.ABSENT
    assert gallery.image("d", row(project, "../x.png")).missing == pictures.CHANGED
    known = row(project)
    masked = gallery.image(
        "d",
        {
            **row(project),
            "path": "m.png",
            "mask": "gone.png",
            "sha256": row(project, mask="m.png")["mask_sha256"],
        },
    )
    assert (masked.outline, masked.no_outline) == ("", pictures.CHANGED)
    (project / "scans/a.png").write_bytes(b"something else")
    found = gallery.image("d", known)
    assert (found.file, found.missing) == (None, pictures.CHANGED)
    assert len(list((project / "site").rglob("*.png"))) == 1


def test_heat_rises_in_opacity_and_brightness() -> None:
    values = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (100, 1))
    content = pictures.heat_png(values, 0.0, 1.0)
    assert len(content) < 4000
    with Image.open(io.BytesIO(content)) as picture:
        seen = np.asarray(picture.convert("RGBA"), np.int64)[50]
    assert seen[0, 3] < 40 < 180 < seen[-1, 3]
    assert (np.diff(seen[:, :3].sum(1)) >= -3).all()
    flat = pictures.heat_png(np.ones((8, 8), np.float32), 1.0, 1.0)
    assert flat.startswith(b"\x89PNG")


def test_a_copied_picture_is_named_by_its_content(project: Path) -> None:
    file = Gallery(project, project / "site").copy(project / "scans/a.png", "sheets")
    assert re.fullmatch(r"sheets/[0-9a-f]{32}\.png", file)
    assert (project / "site" / file).read_bytes() == (project / "scans/a.png").read_bytes()


def test_colour_stays_colour() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0] = (255, 0, 0)
    with Image.open(io.BytesIO(pictures.png(pixels))) as picture:
        assert picture.mode == "RGB"


def test_a_heat_map_is_clear_where_the_method_saw_nothing() -> None:
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    window = (0.25, 0.125, 0.75, 0.875)
    with Image.open(io.BytesIO(pictures.heat_png(values, 0.0, 1.0, window))) as opened:
        pixels = np.asarray(opened.convert("RGBA"))
    clear = pixels[..., 3] == 0
    rows, columns = (np.flatnonzero(~clear.all(axis)) / pictures.HEAT_SIDE for axis in (1, 0))
    assert (rows[0], columns[0]) == (0.25, 0.125)
    assert (rows[-1] + 1 / pictures.HEAT_SIDE, columns[-1] + 1 / pictures.HEAT_SIDE) == (
        0.75,
        0.875,
    )
    assert clear.mean() == 1 - 0.5 * 0.75
    whole = pictures.heat_png(values, 0.0, 1.0)
    with Image.open(io.BytesIO(whole)) as opened:
        assert (np.asarray(opened.convert("RGBA"))[..., 3] > 0).all()
