import numpy as np
import pytest

from medad.selection.protocol import Guards
from medad.selection.statistics import s1, s2
from medad.selection.summary import decision, failed_guard, line

GUARDS = Guards(norm=0.3, rank=0.3, s1=0.6)


def _result(gap, *, bezier=1.0, norm=1.0, rank=1.0):
    """Two healthy images scoring 0 and 10; lesions add ``gap`` (per family)."""
    healthy = [0.0, 10.0]
    positives = {name: [[h + g, h + g] for h in healthy] for name, g in gap.items()}
    positives["bezier"] = [[h + bezier] for h in healthy]
    return {
        "healthy": healthy,
        "positives": positives,
        "movement": {"norm": norm, "rank": rank, "cosine": 0.9},
        "trained": 7,
    }


def test_a_line_is_made_bank_by_bank():
    results = [_result({"blob": 11.0, "warp": 1.0}), _result({"blob": -1.0, "warp": 1.0})]
    found = line(results)
    assert found.families == {"blob": [1.0, 0.5], "warp": [0.5, 0.5]}
    assert found.s2 == [0.75, 0.5]
    assert found.s2_min == [0.5, 0.5]
    assert found.s1 == [1.0, 0.5]
    assert found.logged == [1.0, 1.0]
    assert found.trained == 7
    rows = np.array(results[0]["positives"]["blob"])
    assert found.families["blob"][0] == s2(rows, np.array([0.0, 10.0]))
    assert s1(rows, np.array([0.0, 10.0])) == 1


def test_banks_of_one_draw_are_one_value():
    rows = [_result({"blob": gap}, norm=norm) for gap, norm in [(11.0, 1.0), (1.0, 0.5), (1.0, 1)]]
    found = line(rows, [0, 0, 1])
    assert found.s2 == [0.75, 0.5]
    assert found.families == {"blob": [0.75, 0.5]}
    assert found.norm == [1.0, 0.5, 1.0]  # a collapse in one bank is not averaged away


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"norm": 0.2}, "feature norm fell to 0.20"),
        ({"rank": 0.29}, "effective rank fell to 0.29"),
    ],
)
def test_a_collapse_in_one_draw_rejects(change, why):
    good = _result({"blob": 1.0})
    found = failed_guard(line([good, _result({"blob": 1.0}, **change)]), line([good]), GUARDS)
    assert why in found


def test_s1_is_a_gate_and_what_passes_is_not_rejected():
    good, bad = _result({"blob": 1.0}), _result({"blob": -1.0})
    assert failed_guard(line([good, good]), line([good]), GUARDS) is None
    assert failed_guard(line([good, bad]), line([bad]), GUARDS) == "S1 is 0.50"


def test_learning_ones_own_lesions_at_the_cost_of_others_is_rejected():
    first = line([_result({"blob": 1.0, "warp": 1.0}, bezier=-1.0)])
    overfit = line([_result({"blob": 1.0, "warp": 0.0}, bezier=1.0)])
    assert overfit.s1 == [0.75]
    assert "its training" in failed_guard(overfit, first, GUARDS)
    assert failed_guard(overfit, overfit, GUARDS) is None


def _study(name, results, attention="none"):
    return {
        "source": name,
        "draws": [{"draw": number} for number in range(len(next(iter(results.values()))))],
        "results": results,
        "candidates": {
            key: {"attention": attention, "epochs": 0 if key == "start" else 1, "interpolate": 1.0}
            for key in results
        },
    }


def test_sources_decide_together_and_a_guard_on_one_rejects(protocol_of):
    low, high = _result({"blob": 1.0}), _result({"blob": 11.0})
    protocol = protocol_of(["start", "near", "far"])
    one = {"start": [low] * 2, "near": [low, high], "far": [high] * 2}
    both = [_study("a", one), _study("b", one)]
    assert decision(protocol, both).chosen == "far"
    broken = {**one, "far": [high, _result({"blob": 11.0}, rank=0.1)]}
    found = decision(protocol, [_study("a", one), _study("b", broken)])
    assert found.chosen == "near"
    assert found.rejected == {"far": "b: effective rank fell to 0.10 of step 0"}


def test_attention_is_read_from_the_parameters(protocol_of):
    low, high = _result({"blob": 1.0}), _result({"blob": 11.0})
    study = _study("a", {"start": [low] * 2, "gates": [high] * 2}, attention="stage")
    assert decision(protocol_of(["start", "gates"]), [study]).chosen == "start"


def test_a_loss_on_one_source_rejects_when_the_study_says_so(protocol_of):
    low, middle, high = (
        _result({"blob": gap, "warp": 1.0}, bezier=-1.0) for gap in (-11.0, 1.0, 11.0)
    )
    one = _study("a", {"start": [middle] * 2, "two-faced": [high] * 2})
    other = _study("b", {"start": [middle] * 2, "two-faced": [low, high]})
    other["results"]["two-faced"] = [low, middle]
    protocol = protocol_of(["start", "two-faced"])
    guards = GUARDS.model_copy(update={"s1": 0.0})
    lenient = protocol.model_copy(update={"guards": guards})
    strict = protocol.model_copy(update={"guards": guards.model_copy(update={"loss": 0.0})})
    assert decision(lenient, [one, other]).rejected == {}
    assert decision(strict, [one, other]).rejected == {
        "two-faced": "b: S2 is 0.125 below the first candidate's"
    }
    assert decision(strict, [one]).chosen == "two-faced"


def test_a_decision_among_some_ignores_the_others(protocol_of):
    low, high = _result({"blob": 1.0}), _result({"blob": 11.0})
    study = _study("a", {"start": [low] * 2, "form": [high] * 2, "gates": [high] * 2})
    study["candidates"]["gates"]["attention"] = "block"
    protocol = protocol_of(["start", "form", "gates"])
    assert decision(protocol, [study]).chosen == "form"
    study["candidates"]["form"]["epochs"] = 0
    assert decision(protocol, [study]).rejected == {"gates": "no gain without attention"}
    study["candidates"]["form"] |= {"epochs": 1, "interpolate": 0.0}
    assert decision(protocol, [study]).rejected == {"gates": "no gain without attention"}
    found = decision(protocol, [study], ["start", "gates"])
    assert found.chosen == "start"
    assert found.rejected == {"gates": "no gain without attention"}
