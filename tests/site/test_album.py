from __future__ import annotations

from collections.abc import Callable

import pytest
from pages import Pieces

from medad.errors import MedadError
from medad.site.album import Album, panel
from medad.site.pictures import Gallery

pytestmark = pytest.mark.engine


def test_an_image_that_is_not_the_index_one_is_refused(pieces: Callable[..., Pieces]) -> None:
    found = pieces()
    shot = found.cell.runs[0].draw[0]
    with pytest.raises(MedadError, match="another image"):
        found.album.picture("phantom", shot["path"], "0" * 64)
    with pytest.raises(MedadError, match="another image"):
        found.album.picture("phantom", "no such image", shot["sha256"])
    assert "absent" not in panel(found.album.picture("phantom", **shot), "", "x")


def test_a_slice_and_a_copy_share_no_page_and_one_page(pieces: Callable[..., Pieces]) -> None:
    found = pieces()
    same = "ab" * 32
    album = Album(
        found.album.material, Gallery(found.album.material.root, found.album.gallery.site)
    )
    assert album.link("d", "a.png", same) == album.link("d", "b.png", same)
    assert album.shown[same] == [("d", "a.png"), ("d", "b.png")]
    assert album.link("d", "v.nii#z=1", same) != album.link("d", "v.nii#z=2", same)
    assert album.page_of("cd" * 32, "c.png") is None
