import pytest

from medad.selection.rule import decide

NOISE = [-0.02, 0.02, -0.01, 0.01]


def _choose(means, rejected=None, attention=(), untrained=()):
    """Decision on one source; every candidate has the same noise but one in its own direction."""
    values = {
        name: {"a": [mean + n * (1 if order % 2 else -1) for n in NOISE]}
        for order, (name, mean) in enumerate(means.items())
    }
    return decide(values, rejected or {}, attention, untrained, 4000, 0)


def test_the_clear_winner_is_chosen():
    found = _choose({"start": 0.6, "near": 0.65, "far": 0.8})
    assert (found.chosen, found.best, found.near) == ("far", "far", ("far",))
    assert found.gains["far"].mean == pytest.approx(0.2)
    assert found.behind["near"].mean == pytest.approx(0.15)


def test_within_one_standard_error_the_nearest_wins():
    # The paired differences have sd .032 or 0, over 4 draws: a standard error of .016 or 0.
    found = _choose({"start": 0.6, "near": 0.79, "far": 0.8})
    assert (found.chosen, found.best) == ("near", "far")
    assert found.near == ("near", "far")


def test_equal_candidates_are_a_tie_for_the_first_listed():
    assert _choose({"start": 0.6, "one": 0.8, "other": 0.6, "again": 0.8}).chosen == "one"


def test_nothing_beats_the_start():
    found = _choose({"start": 0.7, "near": 0.71, "far": 0.5})
    assert (found.chosen, found.best) == ("start", "near")
    assert not found.gains["near"].clear
    assert _choose({"start": 0.7, "near": 0.6}).best == "start"


def test_pairing_by_draw_makes_a_small_gain_clear():
    draws = [0.5, 0.9, 0.6, 0.8]
    values = {
        "start": {"a": draws},
        "near": {"a": [d + 0.01 for d in draws]},
    }
    assert decide(values, {}, (), (), 2000, 0).chosen == "near"


def test_a_rejected_candidate_is_not_chosen_and_the_first_cannot_be():
    found = _choose({"start": 0.6, "near": 0.7, "far": 0.9}, {"far": "rank", "start": "S1"})
    assert found.chosen == "near"
    assert found.rejected == {"far": "rank"}


def test_attention_counts_only_if_the_gain_survives_without():
    means = {"start": 0.6, "plain": 0.6, "gates": 0.8}
    alone = _choose(means, attention={"gates"})
    assert alone.chosen == "start"
    assert alone.rejected == {"gates": "no gain without attention"}
    assert _choose(means | {"plain": 0.7}, attention={"gates"}).chosen == "gates"
    lost = _choose(means | {"plain": 0.7}, {"plain": "rank"}, {"gates"})
    assert lost.chosen == "start"
    # Another stage 2 alone shows nothing of what training does without attention.
    form = _choose(means | {"form": 0.7}, attention={"gates"}, untrained={"start", "form"})
    assert form.chosen == "form"
    assert form.rejected == {"gates": "no gain without attention"}


def test_sources_are_averaged():
    values = {
        "start": {"a": [0.6, 0.6], "b": [0.6, 0.6]},
        "near": {"a": [0.9, 0.9], "b": [0.2, 0.2]},
        "far": {"a": [0.7, 0.7], "b": [0.7, 0.7]},
    }
    found = decide(values, {}, (), (), 500, 0)
    assert found.chosen == "far"
    assert found.gains["near"].mean == pytest.approx(-0.05)
