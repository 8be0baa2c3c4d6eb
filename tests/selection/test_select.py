import json

import pytest
import yaml

from medad.cli import select
from medad.errors import MedadError


@pytest.fixture
def study(study_file, one_process, monkeypatch, project):
    """The small study with one draw, run from its project."""
    content = yaml.safe_load(study_file.read_text())
    content["sources"]["phantom"]["draws"] = 1
    study_file.write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.chdir(project)
    return study_file


def test_a_whole_study(study, project, capsys):
    """Real trainings, from the file of the study to the README."""
    assert select.main([str(study), "--out", "docs", "--jobs", "1"]) == 0
    found = json.loads((project / "docs/phantom.json").read_text())
    assert list(found["results"]) == ["plain", "start"]  # JSON is sorted
    ((start,), (plain,)) = found["results"]["start"], found["results"]["plain"]
    assert start["healthy"] != plain["healthy"]
    assert start["movement"]["cosine"] == pytest.approx(1)
    text = (project / "docs/README.md").read_text()
    assert text.index("`start`") < text.index("`plain`")
    assert "**Chosen: `" in text
    assert "[2 of 2] draw 0" in capsys.readouterr().out


def test_results_of_another_version_are_not_mixed_in(study, project):
    content = yaml.safe_load(study.read_text())
    content["sources"]["other"] = content["sources"]["phantom"]
    study.write_text(yaml.safe_dump(content, sort_keys=False))
    (project / "docs").mkdir()
    (project / "docs/other.json").write_text('{"protocol": "of yesterday"}')
    with pytest.raises(MedadError, match="other followed another version"):
        select.main([str(study), "--out", "docs", "--source", "phantom"])
    assert not (project / "docs/phantom.json").exists()


def test_the_test_is_added_to_the_report_and_is_of_the_same_study(study, project, monkeypatch):
    from medad.selection import judgement, report

    monkeypatch.setattr(report, "markdown", lambda plan, studies, test: f"test: {test}")
    arguments = [str(study), "--out", "docs", "--jobs", "1"]
    select.main(arguments)
    readme = project / "docs/README.md"
    assert readme.read_text() == "test: None"
    protocol = json.loads((project / "docs/phantom.json").read_text())["protocol"]
    monkeypatch.setattr(judgement, "read_test", lambda *_: {"protocol": protocol, "x": 1})
    select.main([*arguments, "--test", "table.csv"])
    assert "'x': 1" in readme.read_text()
    select.main(arguments)
    assert "'calls': 1" in readme.read_text()  # stays when the study is run again
    select.main([*arguments, "--test", "table.csv"])
    assert "'calls': 2" in readme.read_text()
    study.write_text(study.read_text().replace("lesions: 1", "lesions: 2"))
    with pytest.raises(MedadError, match="test followed another version"):
        select.main(arguments)
    with pytest.raises(MedadError, match="phantom followed another version"):
        select.main([*arguments, "--test", "table.csv"])


def test_calibration_prints_and_writes_nothing(study, project, capsys, monkeypatch):
    monkeypatch.setattr(
        "medad.selection.calibration.sweep", lambda *_: [{"factor": 2.0, "blob S2": 0.7}]
    )
    assert select.main([str(study), "--out", "docs", "--calibrate", "2"]) == 0
    assert capsys.readouterr().out == "factor 2.000  blob S2 0.700\n"
    assert not (project / "docs").exists()


def test_wrong_jobs(study):
    with pytest.raises(MedadError, match="--jobs: got 0"):
        select.main([str(study), "--out", "docs", "--jobs", "0"])
