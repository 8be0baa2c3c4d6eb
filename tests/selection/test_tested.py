import json

import pytest

from medad.selection.report import markdown

NAMES = ["start", "a", "b", "c", "form"]

TRAINED = {"attention": "none", "epochs": 1, "interpolate": 1.0}


def _result(share):
    """Of ten lesions an image, ``share`` are above the other healthy image."""
    healthy = [0.0, 10.0]
    rows = [[11.0 if number < share else -1.0 for number in range(10)] for _ in healthy]
    return {
        "healthy": healthy,
        "positives": {"blob": rows, "bezier": rows},
        "movement": {"norm": 1.0, "rank": 1.0, "cosine": 1.0},
        "trained": 7,
    }


@pytest.fixture
def studies():
    def make(name, shares):
        return {
            "source": name,
            "side": 64,
            "backbone": {"name": "resnet18", "weights": "random"},
            "draws": [{"draw": 0}, {"draw": 1}],
            "candidates": {n: dict(TRAINED) for n in NAMES},
            "results": {n: [_result(s)] * 2 for n, s in zip(NAMES, shares, strict=True)},
        }

    return [make("a", [5, 6, 7, 8, 9]), make("b", [5, 6, 7, 8, 10])]


def _test(*values):
    results = {name: {"auroc": value} for name, value in zip(NAMES, values, strict=True)}
    results["a"] |= {"sd": 0.02, "vs_baseline": -0.1, "vs_low": -0.25, "vs_high": 0.05}
    found = {"dataset": "brain_mri", "draws": [15, 16, 17], "results": results, "calls": 1}
    return json.loads(json.dumps(found, sort_keys=True))  # as a file has it


def test_validation_beside_test_with_correlation_and_regret(protocol_of, studies):
    protocol = protocol_of(NAMES)
    protocol = protocol.model_copy(update={"detectors": {"form": {"smooth": 1.0}}})
    text = markdown(protocol, studies, _test(0.8, 0.7, 0.6, 0.55, 0.5))
    assert "draws 15, 16, 17 of the tables" in text
    assert "| candidate | S2 a | S2 b | S2 all | test | sd | gain | 95 % |" in text
    # Each image's lesions against the other image: only those above the healthy 10 count there.
    assert "| -0.100 | [-0.250, +0.050] |" in text
    assert "Rank correlation of S2 (all) and test over 5 candidates: -1.00 [" in text
    assert "Regret of `form`, chosen among all: 0.300 against `start`." in text
    assert (
        "Regret of `c`, chosen among those with the published stage 2: 0.250 against `start`."
        in text
    )


def test_one_source_has_no_mean_and_one_choice(protocol_of, studies):
    text = markdown(protocol_of(NAMES), studies[:1], _test(0.5, 0.6, 0.7, 0.8, 0.9))
    assert "S2 all" not in text
    assert "Rank correlation of S2 (a) and test over 5 candidates: +1.00 [" in text
    assert "Regret of `form`, the choice: 0.000 against `form`." in text


def test_adding_a_test_again_is_said(protocol_of, studies):
    again = _test(0.5, 0.6, 0.7, 0.8, 0.9) | {"calls": 3}
    assert "## The test, added 3 times" in markdown(protocol_of(NAMES), studies, again)


def test_without_a_test_nothing_is_said_of_it(protocol_of, studies):
    assert "scored once" not in markdown(protocol_of(NAMES), studies)
