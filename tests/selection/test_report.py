import pytest

from medad.selection.report import markdown

TRAINED = {"attention": "none", "epochs": 1, "interpolate": 1.0}


def _result(gap, rank=1.0):
    healthy = [0.0, 10.0]
    positives = {name: [[h + gap] for h in healthy] for name in ("blob", "warp", "bezier")}
    return {
        "healthy": healthy,
        "positives": positives,
        "movement": {"norm": 0.5, "rank": rank, "cosine": 0.9},
        "trained": 2_782_784,
    }


@pytest.fixture
def study():
    """A source on which ``plain`` finds what ``start`` does not."""

    def make(name, *, far=11.0, rank=1.0):
        return {
            "source": name,
            "side": 64,
            "backbone": {"name": "resnet18", "weights": "random"},
            "draws": [{"draw": 0}, {"draw": 1}],
            "candidates": {n: dict(TRAINED) for n in ("start", "plain")},
            "results": {"start": [_result(1.0)] * 2, "plain": [_result(far, rank)] * 2},
        }

    return make


def test_tables_decision_and_pitfalls(protocol_of, study):
    text = markdown(protocol_of(["start", "plain"]), [study("a"), study("b")])
    assert "## a: 2 draws, 64 px, resnet18 (random)" in text
    row = "| `plain` | 1.000 | 1.000 | 0.000 | +0.500 | 0.000 | 1.000 | 1.000 | 1.000 | 1.000 |"
    assert text.count(row + " 0.50 | 1.00 | 0.900 | 2,782,784 |") == 2
    assert "**Chosen: `plain`**, +0.500 (se 0.000) over `start`" in text
    assert "Winner's curse" in text
    assert "trained on 2 shots" in text
    assert "Not run yet" not in text
    assert text.endswith(".\n")


def test_one_source_is_said_to_be_alone(protocol_of, study):
    assert "Not run yet: b." in markdown(protocol_of(["start", "plain"]), [study("a")])


def test_nothing_better_and_a_rejection_are_said(protocol_of, study):
    text = markdown(protocol_of(["start", "plain"]), [study("a", rank=0.1), study("b", far=1.0)])
    assert "**Chosen: `start`.**" in text
    assert "a: effective rank fell to 0.10 of step 0" in text


def test_rotated_pairs_are_said_and_count_as_one_draw(protocol_of, study):
    protocol = protocol_of(["start", "plain"])
    assert "are not rotated" in markdown(protocol, [study("a")])
    found = {**study("a"), "draws": [{"draw": 3, "rotation": 0}, {"draw": 3, "rotation": 1}]}
    text = markdown(protocol.model_copy(update={"rotate": True}), [found])
    assert "## a: 1 draw," in text
    assert "held out once, in 2 banks" in text


def test_stage_1_has_its_own_verdict_where_stage_2_differs_too(protocol_of, study):
    protocol = protocol_of(["start", "plain", "form"])
    found = study("a")
    found["results"]["form"] = [_result(11.0)] * 2
    found["candidates"]["form"] = dict(TRAINED)
    found["results"]["plain"] = [_result(1.0)] * 2
    assert "The same rule" not in markdown(protocol, [found])
    other = protocol.model_copy(update={"detectors": {"form": {"smooth": 1.0}}})
    text = markdown(other, [found])
    assert "**Chosen: `form`**" in text
    assert "among the 2 candidates whose stage 2 is the published PatchCore" in text
    assert "chooses `start`" in text
