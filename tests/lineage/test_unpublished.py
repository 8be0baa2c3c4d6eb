from __future__ import annotations

from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import write_bytes
from medad.lineage.unpublished import UNPUBLISHED, unpublished


def test_a_damaged_list_is_one_error(tmp_path: Path) -> None:
    assert unpublished(tmp_path) == {}
    write_bytes(tmp_path / UNPUBLISHED, b'{"results/x": "00"}')
    assert unpublished(tmp_path) == {"results/x": "00"}
    for content in (b"[]", b'{"results/x": 1}', b"{"):
        write_bytes(tmp_path / UNPUBLISHED, content)
        with pytest.raises(MedadError, match=r"unpublished\.json: no"):
            unpublished(tmp_path)
