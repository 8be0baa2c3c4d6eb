from __future__ import annotations

import hashlib

import numpy as np

from medad.data.readers import Entry
from medad.data.slices import expand, reason
from medad.errors import MedadError


def test_volumes_become_their_slices(tmp_path, write, nifti_bytes):
    voxels = np.zeros((8, 8, 4), np.int16)
    voxels[2:6, 2:6, 1:] = 100
    labels = np.zeros((8, 8, 4), np.int16)
    labels[3, 3, 2] = 1
    contents = {
        "h/a.nii": nifti_bytes(voxels),
        "h/b.nii.gz": b"broken",
        "a/c.nii.gz": nifti_bytes(voxels, gzipped=True),
        "m/c.nii": nifti_bytes(labels),
        "a/d.nii": nifti_bytes(voxels),
        "m/d.nii": nifti_bytes(labels * 0),
        "a/e.nii": nifti_bytes(voxels),
    }
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    entries = [
        Entry("a/c.nii.gz", 1, "m/c.nii"),
        Entry("a/d.nii", 1, "m/d.nii"),
        Entry("a/e.nii", 1, ""),
        Entry("h/a.nii", 0, ""),
        Entry("h/b.nii.gz", 0, ""),
        Entry("h/x.png", 0, ""),
    ]
    found, bad = expand(write(tmp_path, contents), files, entries)
    assert found == [
        Entry("a/c.nii.gz#z=2", 1, "m/c.nii#z=2"),  # only where the lesion is
        *[Entry(f"a/e.nii#z={z}", 1, "") for z in (1, 2, 3)],
        *[Entry(f"h/a.nii#z={z}", 0, "") for z in (1, 2, 3)],
        Entry("h/x.png", 0, ""),
    ]
    assert [name for name, _ in bad] == ["m/d.nii", "h/b.nii.gz"]
    assert bad[0][1] == "no slice with a lesion"
    assert "cannot be read as NIfTI" in bad[1][1]


def test_reason_drops_the_path():
    assert reason(MedadError("a.png: broken"), "a.png") == "broken"
    assert reason(MedadError("broken"), "a.png") == "broken"
