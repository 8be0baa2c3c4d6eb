from __future__ import annotations

from pathlib import Path

import pytest
from project import Project
from small_project import Small
from small_publication import TABLE as SMALL_TABLE

from medad.cli.main import main


@pytest.mark.engine
def test_a_table_is_published_and_what_is_no_table_is_refused(
    finished: Project, tmp_path: Path
) -> None:
    said = finished.medad("publish", "results/tables/table1.csv", str(tmp_path)).stdout
    assert said.endswith(f"files packed into {tmp_path}/evidence\n")
    assert (tmp_path / "table1.csv").read_bytes() == finished.table()
    refused = finished.medad("publish", "params.yaml", str(tmp_path), check=False)
    assert refused.returncode == 2
    assert "params.yaml: not an artifact of medad" in refused.stderr
    assert (tmp_path / "evidence/scores.zip").is_file()


def test_files_of_the_user_and_altered_results_are_exit_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Small(tmp_path).root
    for name in ("Snakefile", "params.yaml"):
        (root / name).touch()
    monkeypatch.chdir(root)
    assert main(["publish", SMALL_TABLE, "published"]) == 0
    assert "27 files packed into published/evidence" in capsys.readouterr().out
    (root / "published/evidence/notes.txt").write_text("mine")
    with pytest.raises(SystemExit, match="2"):
        main(["publish", SMALL_TABLE, "published"])
    assert "notes.txt: not written by `medad publish`" in capsys.readouterr().err
    (root / "published/evidence/notes.txt").unlink()
    (root / SMALL_TABLE).write_text("better")
    with pytest.raises(SystemExit, match="2"):
        main(["publish", SMALL_TABLE, "published"])
    said = capsys.readouterr().err
    assert said == f"medad: not published: {SMALL_TABLE} (changed since it was made)\n"
    with pytest.raises(SystemExit, match="2"):
        main(["adopt"])
    assert f"refused: not what their manifests say: {SMALL_TABLE}" in capsys.readouterr().err
    (root / SMALL_TABLE).write_bytes(b"csv")
    assert main(["adopt", "published"]) == 0
    said = capsys.readouterr().out
    assert said == "0 files placed\n9 steps verified, 0 known by their manifest alone\n"
