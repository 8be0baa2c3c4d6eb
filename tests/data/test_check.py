from __future__ import annotations

import numpy as np
import pytest

from medad.data.check import check_folder


@pytest.fixture
def root(tmp_path, write, noise):
    mask = np.full((40, 32), 255, np.uint8)
    return write(
        tmp_path / "set",
        {
            "no/a.png": noise(0),
            "no/b.png": noise(0),
            "yes/c.png": noise(1),
            "yes/d.png": noise(2, 20, 20),
            "masks/c.png": mask,
            "masks/d.png": mask,
            "masks/lonely.png": mask,
            "other/x.png": noise(3),
            "notes.txt": b"",
        },
    )


def test_a_usable_folder(root):
    report = check_folder(root)
    text = "\n".join(report.lines)
    assert report.ok
    assert "9 files, layout of the reader brain_mri" in text
    assert "used: 2 healthy and 2 anomalous images, 1 of the latter with a mask" in text
    assert "20 to 32 px" in text
    assert "modes: 4 L" in text
    assert "mask of another size than its image, not used: yes/d.png" in text
    assert (
        "masks that match no anomalous image, by full name or by a stem of its own: masks/lonely"
        in text
    )
    assert "images outside the folders of this layout: other/x.png" in text
    assert "other files, not used: notes.txt" in text
    assert "leakage groups: 3, of which 1 have healthy images; 2 images are copies" in text
    assert "copies: no/a.png, no/b.png" in text


def test_groups_beyond_those_listed_are_counted(tmp_path, write, noise):
    files = {f"{seed}{copy}": noise(seed) for seed in range(10) for copy in "ab"}
    healthy = {f"no/{name}.png": pixels for name, pixels in files.items()}
    text = check_folder(write(tmp_path / "set", {**healthy, "yes/c.png": noise(11)})).lines
    assert sum(line.startswith("  copies: ") for line in text) == 8
    assert "  and 2 more groups" in text


def test_conflicting_labels_are_named(root):
    (root / "yes/c.png").write_bytes((root / "no/a.png").read_bytes())
    assert "healthy and anomalous at once: no/a.png, no/b.png, yes/c.png" in "\n".join(
        check_folder(root).lines
    )


def test_bad_files_make_it_not_ok(root):
    (root / "no/b.png").write_bytes(b"")
    report = check_folder(root)
    assert not report.ok
    assert "problem: no/b.png: cannot be decoded (the file is empty)" in report.lines


@pytest.mark.parametrize("files", [[], ["no/a.png"], ["healthy/a.png", "x.txt"]])
def test_missing_folders_are_a_problem(tmp_path, write, noise, files):
    (tmp_path / "set").mkdir()
    report = check_folder(write(tmp_path / "set", {name: noise(0) for name in files}))
    assert not report.ok
    assert report.lines[-1].startswith("problem: no images in")


def test_an_absent_folder_is_a_problem(tmp_path):
    report = check_folder(tmp_path / "nowhere")
    assert not report.ok
    assert "no such folder" in report.lines[0]


def test_no_readable_image_is_a_problem(root):
    for name in "ab":
        (root / f"no/{name}.png").write_bytes(b"")
    report = check_folder(root)
    assert not report.ok
    assert "no readable healthy image" in report.lines[-1]
