from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pages import Pieces

from medad.site import cell as cell_page

pytestmark = pytest.mark.engine


def test_warnings_tell_what_to_mind(pieces: Callable[..., Pieces]) -> None:
    found = pieces()
    (one,) = cell_page.warnings(found.cell)
    assert one.startswith("One draw")
    audit = {
        **found.cell.audit,
        "machines": [{"cpu": "a", "gpu": "none"}, {"cpu": "b", "gpu": "none"}],
        "code": {"modules": {}, "changed_since": ["losses/x.py"]},
    }
    text = " ".join(cell_page.warnings(replace(found.cell, audit=audit, standing=("leaky", ""))))
    for needed in ("by design", "1 module changed", "2 kinds of hardware"):
        assert needed in text


def test_a_difference_has_the_interval_of_all_k_where_there_are_several(
    pieces: Callable[..., Pieces],
) -> None:
    found = pieces()
    for ends, said in (([-0.0127, 0.1394], "; for all K together [−0.013, +0.139]"), (None, "")):
        number = {**found.cell.audit["number"], "together": ends}
        one = replace(found.cell, audit={**found.cell.audit, "number": number})
        shown = cell_page.page(found.album, found.table, one)
        assert f"paired on the same draws and images{said}</small>" in shown
