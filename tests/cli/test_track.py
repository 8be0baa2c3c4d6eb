from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

pytestmark = pytest.mark.engine


def test_a_store_that_cannot_be_opened_is_an_error_or_after_a_run_a_warning(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    (project.root / ".prov/tracked.json").unlink()
    (project.root / "mlflow.db").write_bytes(b"not a database")
    failed = project.medad("track", check=False)
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith("medad: ")
    warned = project.medad("track", "--quiet")
    assert "medad: warning: not logged to MLflow" in warned.stderr
    assert (project.root / "mlflow.db").read_bytes() == b"not a database"
