import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.config.load import load
from medad.errors import MedadError
from medad.files import canonical_json
from medad.selection.judgement import prediction, read_test, regret
from medad.selection.protocol import read

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "workflow/selection/reading.yaml"
PRESET = {"preset": "brain_mri+reading_study"}


def _ranks(values):
    """Mean rank of every value, by counting."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=20).filter(
        lambda pairs: all(len(set(values)) > 1 for values in zip(*pairs, strict=True))
    )
)
def test_rank_correlation_is_the_correlation_of_ranks(pairs):
    one, other = zip(*pairs, strict=True)
    found = prediction(one, other)
    expected = np.corrcoef(_ranks(one), _ranks(other))[0, 1]
    assert found.correlation == pytest.approx(expected, abs=1e-12)
    assert -1 <= found.low <= found.correlation + 1e-9
    assert found.correlation - 1e-9 <= found.high <= 1


def test_the_interval_of_a_known_case():
    # Spearman .5 of 16 pairs: atanh .5 = .5493, half width 1.96 sqrt(1.06 / 13) = .5597.
    first, second = range(16), [*range(8, 16), *range(8)]
    found = prediction(first, second)
    assert found.correlation == pytest.approx(-0.5059, abs=1e-4)
    z = np.arctanh(found.correlation)
    assert np.arctanh(found.high) - z == pytest.approx(0.5597, abs=1e-4)


def test_too_few_candidates():
    with pytest.raises(MedadError, match="got 4 candidates"):
        prediction(range(4), range(4))


def test_regret_is_to_the_best():
    results = {"a": {"auroc": 0.6}, "b": {"auroc": 0.75}, "c": {"auroc": 0.7}}
    assert regret(results, "a") == ("b", pytest.approx(0.15))
    assert regret(results, "b") == ("b", 0)


@pytest.fixture
def study():
    """What the study of readings records of brain_mri, without its scores."""
    config = load(ROOT, {"preset": "brain_mri"})
    protocol = read(STUDY)
    readings = protocol.readings(config)
    found = {
        "protocol": "this",
        "dataset": "brain_mri",
        "side": config.image.side,
        "seed": {"study": 1, "params": config.seed},
        "split": config.splits.grouped.model_dump(),
        "leakage": config.leakage.model_dump(),
        "backbone": config.backbone.model_dump(),
        "synthesis": config.synthesis.consult.model_dump(),
        "detector": config.detectors.patchcore.model_dump(),
        "candidates": {name: dict(reading.stage1) for name, reading in readings.items()},
        "detectors": {name: protocol.detector(config, name) for name in protocol.detectors},
    }
    return json.loads(canonical_json(found))  # as a file has it, which sorts


@pytest.fixture
def table(tmp_path, study):
    """Write a table with a row for every candidate and one of another K."""

    def write(**changes):
        row = {"dataset": "brain_mri", "split": "grouped", "shots": "4", "auroc": "0.7"}
        row |= {"sd": "0.1", "vs_baseline": "", "vs_low": "", "vs_high": ""} | changes
        names = [*study["candidates"], "another"]
        rows = [{**row, "method": name} for name in names]
        rows.append({**row, "method": "half", "shots": "8", "auroc": "0.9"})
        path = tmp_path / "reading.csv"
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        cells = {
            f"brain_mri/grouped/half/K{k}": {
                "metrics": [f"metrics/brain_mri/grouped/half/k{k}/r{r}" for r in draws]
            }
            for k, draws in ((4, (17, 15)), (8, (3,)))
        }
        path.with_suffix(".cells.json").write_text(json.dumps({"cells": cells}))
        return path

    return write


def test_the_preset_holds_exactly_the_candidates(study, table):
    config = load(ROOT, PRESET)
    found = read_test(read(STUDY), [{"dataset": "phantom"}, study], config, table())
    assert list(found["results"]) == list(read(STUDY).candidates)
    assert found["results"]["half"] == {"auroc": 0.7, "sd": 0.1}
    assert found["draws"] == [15, 17]
    assert found["protocol"] == "this"


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"methods": {"half": {"override": {"stage1": {"interpolate": 0.4}}}}}, "stage1"),
        ({"methods": {"half": {"override": {"detector": {"pool": 1}}}}}, "detector"),
        ({"methods": {"half": {"detector": "padim"}}}, "steps"),
        ({"synthesis": {"consult": {"points": 4}}}, "synthesis"),
        ({"image": {"side": 128}}, "side"),
        ({"backbone": {"weights": "random"}}, "weights"),
        ({"backbone": {"normalisation": "half"}}, "normalisation"),
    ],
)
def test_what_is_not_the_candidate_is_refused(study, table, overrides, part):
    with pytest.raises(MedadError, match=f"is not the candidate .* its {part} differ"):
        read_test(read(STUDY), [study], load(ROOT, PRESET | overrides), table())


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"seed": 7}, "seed: got 7"),
        ({"splits": {"grouped": {"pool": 0.4}}}, "splits.grouped: got"),
        ({"leakage": {"correlation": 0.9}}, "leakage: got"),
    ],
)
def test_a_table_of_another_pool_is_refused(study, table, overrides, part):
    with pytest.raises(MedadError, match=f"{part}.*its images may be tested"):
        read_test(read(STUDY), [study], load(ROOT, PRESET | overrides), table())


def test_gains_must_be_over_the_first_candidate(study, table):
    with pytest.raises(MedadError, match="its baseline is not imagenet"):
        read_test(read(STUDY), [study], load(ROOT, PRESET), table(vs_baseline="0.1"))


def test_a_table_without_the_methods_or_rows_is_refused(study, table):
    with pytest.raises(MedadError, match="no 'imagenet' in this configuration; add its preset"):
        read_test(read(STUDY), [study], load(ROOT, {"preset": "brain_mri"}), table())
    config = load(ROOT, PRESET)
    with pytest.raises(MedadError, match="at K = 4 on grouped are of busi; the study has: brain"):
        read_test(read(STUDY), [study], config, table(dataset="busi"))
    with pytest.raises(MedadError, match="no row of imagenet at K = 8"):
        read_test(read(STUDY).model_copy(update={"shots": 8}), [study], config, table())
