import hashlib

import pytest
import yaml

from medad.config.load import load
from medad.errors import MedadError
from medad.files import canonical_json, read_json
from medad.selection import study
from medad.selection.protocol import read
from medad.selection.shots import healthy_images


@pytest.fixture
def run(project, study_file, monkeypatch, one_process):
    """Run the small study with trials that cost nothing: result, trials computed, reports."""
    computed = []

    def fake(trial):
        computed.extend((name, trial.identity["draw"]) for name in trial.candidates)
        image = hashlib.sha256(trial.images).hexdigest()
        return {
            name: {"stage1": dict(reading.stage1), "image": image}
            for name, reading in trial.candidates.items()
        }

    monkeypatch.setattr(study.trials, "run", fake)

    def once(overrides=None):
        computed.clear()
        reports = []
        found = study.run(
            project, read(study_file), "phantom", overrides or {}, 1, lambda *a: reports.append(a)
        )
        return found, list(computed), reports

    return once


def test_every_candidate_on_every_draw_once(run, project):
    found, computed, reports = run()
    assert sorted(computed) == [("plain", 0), ("plain", 1), ("start", 0), ("start", 1)]
    assert reports[-1][:2] == (4, 4)
    assert (found["source"], found["dataset"]) == ("phantom", "phantom")
    pool = healthy_images(load(project), project)
    allowed = {p for p, chosen in zip(pool.paths, pool.pool, strict=True) if chosen}
    for number, draw in enumerate(found["draws"]):
        assert draw["draw"] == number
        assert {*draw["held_out"], *draw["bank"]} <= allowed
        assert not {*draw["held_out"]} & {*draw["bank"]}
    start, plain = found["results"]["start"], found["results"]["plain"]
    assert [one["image"] for one in start] == [one["image"] for one in plain]
    assert start[0]["image"] != start[1]["image"]
    assert plain[0]["stage1"] == found["candidates"]["plain"]
    assert {"pretraining/consult.py", "selection/lesions.py"} <= set(found["code"])


def test_a_candidate_is_scored_by_its_own_detector(project, study_file):
    protocol = read(study_file)
    other = protocol.model_copy(update={"detectors": {"plain": {"smooth": 1.0}}})
    assert study.fingerprint(other) != study.fingerprint(protocol)
    config = load(project)
    assert other.detector(config, "start")["smooth"] == 0
    assert other.detector(config, "plain")["smooth"] == 1


def test_every_shot_is_held_out_once_when_rotated(run, project, study_file):
    content = yaml.safe_load(study_file.read_text()) | {"rotate": True}
    study_file.write_text(yaml.safe_dump(content, sort_keys=False))
    found, computed, _ = run()
    assert len(computed) == 8
    numbers = [(draw["draw"], draw["rotation"]) for draw in found["draws"]]
    assert numbers == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for first, second in (found["draws"][:2], found["draws"][2:]):
        assert (first["held_out"], first["bank"]) == (second["bank"], second["held_out"])
    assert len({one["image"] for one in found["results"]["plain"]}) == 4


def test_one_training_serves_all_candidates_that_share_it(run, study_file):
    content = yaml.safe_load(study_file.read_text())
    plain = content["candidates"]["plain"]
    content["candidates"] |= {"half": plain | {"interpolate": 0.5}, "other": plain | {"pool": 1}}
    study_file.write_text(yaml.safe_dump(content, sort_keys=False))
    found, computed, reports = run()
    assert len(computed) == 8
    assert reports[-1][:2] == (6, 6)  # start, plain with half, other; two draws each
    assert found["results"]["half"][0]["stage1"]["interpolate"] == 0.5


def test_what_is_kept_is_not_computed_again(run, project):
    first, _, _ = run()
    second, computed, reports = run()
    assert computed == []
    assert reports == [(4, 4, "kept from before")]
    assert canonical_json(first) == canonical_json(second)
    lost = min((project / study.CACHE).glob("*.json"))
    content = read_json(lost)
    lost.unlink()
    third, computed, _ = run()
    ((candidate, draw),) = computed
    assert third["results"][candidate][draw] == content[candidate]
    assert canonical_json(first) == canonical_json(third)


def test_a_changed_parameter_is_another_trial(run):
    run()
    assert len(run({"detectors": {"patchcore": {"coreset": 0.05}}})[1]) == 4
    assert len(run({"seed": 1})[1]) == 4
    assert run()[1] == []


def test_an_unknown_source_is_told(project, study_file):
    with pytest.raises(MedadError, match="got 'mars'; allowed: phantom"):
        study.run(project, read(study_file), "mars", {}, 1, lambda *_: None)


def test_the_order_of_candidates_is_part_of_the_protocol(study_file):
    protocol = read(study_file)
    turned = dict(reversed(protocol.candidates.items()))
    other = protocol.model_copy(update={"candidates": turned})
    assert other == protocol
    assert study.fingerprint(other) != study.fingerprint(protocol)


@pytest.mark.slow
def test_processes_give_the_same_bytes_as_one(project, study_file, request):
    arguments = project, read(study_file), "phantom", {}, 2, lambda *_: None
    many = study.run(*arguments)
    for path in (project / study.CACHE).glob("*.json"):
        path.unlink()
    request.getfixturevalue("one_process")
    assert canonical_json(study.run(*arguments)) == canonical_json(many)
