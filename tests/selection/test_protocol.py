from pathlib import Path

import pytest
import yaml

from medad.config.load import load
from medad.errors import MedadError
from medad.selection.protocol import read

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "workflow/selection/consult.yaml"


@pytest.fixture
def changed(tmp_path):
    """Write the committed study with changes and return its path."""

    def write(**changes):
        content = yaml.safe_load(COMMITTED.read_text()) | changes
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


@pytest.mark.parametrize("name", ["consult.yaml", "patchcore.yaml", "reading.yaml"])
def test_the_committed_study_is_valid_and_starts_from_the_unadapted_backbone(name):
    protocol = read(COMMITTED.with_name(name))
    assert set(protocol.sources) == {"phantom", "brain_mri"}
    candidates = protocol.readings(load(ROOT))
    first = next(iter(candidates.values())).stage1
    assert first["epochs"] == 0
    assert first["interpolate"] == 0
    assert (first["attention"], first["activation"]) == ("none", "relu")
    assert len(candidates) <= 16
    # Else a new default in params.yaml would silently change what the others mean.
    assert len({frozenset(changes) for changes in protocol.candidates.values()}) == 1
    for source in protocol.sources.values():
        assert load(ROOT, source.config).runs.datasets


def test_candidates_may_differ_by_their_detector_alone():
    protocol = read(COMMITTED.with_name("patchcore.yaml"))
    config = load(ROOT)
    shipped = config.detectors.patchcore.model_dump()
    assert protocol.detector(config, "patchcore") == shipped
    assert protocol.detector(config, "smooth_1") == {**shipped, "smooth": 1.0}
    settings = [str(protocol.detector(config, name)) for name in protocol.candidates]
    assert len(set(settings)) == len(settings)
    assert len({str(reading.stage1) for reading in protocol.readings(config).values()}) == 1


def test_the_reading_study_has_sixteen_different_candidates():
    protocol = read(COMMITTED.with_name("reading.yaml"))
    readings = protocol.readings(load(ROOT))
    assert len({str(reading) for reading in readings.values()}) == len(readings) == 16
    assert protocol.rotate
    assert len(protocol.published()) == 10


def test_order_of_candidates_is_kept(changed):
    path = changed(candidates={"z": {}, "a": {"epochs": 1}})
    assert list(read(path).candidates) == ["z", "a"]


def test_families_left_out(changed):
    source = read(COMMITTED).sources["phantom"]
    assert set(source.contrast.used()) == {"blob", "patch", "texture"}
    content = yaml.safe_load(COMMITTED.read_text())["sources"]
    content["phantom"]["contrast"] = dict.fromkeys(("blob", "patch", "warp", "texture"))
    with pytest.raises(MedadError, match="every family is left out"):
        read(changed(sources=content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"held_out": 4}, "held_out must be below shots"),
        ({"held_out": 1}, "held_out"),
        ({"rotate": True, "shots": 5}, "a multiple of held_out"),
        ({"method": "padim"}, "method: got 'padim'"),
        ({"candidates": {"only": {}}}, "candidates"),
        ({"surprise": 1}, "surprise"),
        ({"detectors": {"moon": {}}}, "detectors must be of candidates"),
    ],
)
def test_a_wrong_study_names_file_and_key(changed, changes, message):
    with pytest.raises(MedadError, match=message) as error:
        read(changed(**changes))
    assert "study.yaml" in str(error.value)


def test_a_candidate_with_an_unknown_key_is_refused(changed):
    protocol = read(changed(candidates={"start": {}, "odd": {"atention": "none"}}))
    with pytest.raises(MedadError, match="did you mean 'attention'"):
        protocol.readings(load(ROOT))


def test_no_file_and_no_yaml(tmp_path):
    with pytest.raises(MedadError, match="cannot be read"):
        read(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(MedadError, match="not valid YAML"):
        read(tmp_path / "bad.yaml")
