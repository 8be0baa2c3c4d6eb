from __future__ import annotations

from pathlib import Path

import pytest

from medad.cli import prov
from medad.errors import MedadError


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MedadError, match=r"--out: got the folder .*; give a file"):
        prov.main(["results/tables/table1.csv", "--out", str(tmp_path)])
