from __future__ import annotations

import pytest

from medad.errors import MedadError
from medad.reporting.events import trace


def test_a_trace_holds_the_steps_that_log_it() -> None:
    runs = [[{"step": s, "a": s + shift, **({"b": 9.0} if s == 1 else {})} for s in range(3)]
            for shift in (0.0, 10.0)]  # fmt: skip
    found = trace(runs, "a")
    assert found.steps.tolist() == [0, 1, 2]
    assert found.values.tolist() == [[0, 1, 2], [10, 11, 12]]
    assert trace(runs, "b").steps.tolist() == [1]
    assert trace(runs, "c").values.shape == (2, 0)


def test_draws_of_different_lengths_are_refused() -> None:
    with pytest.raises(MedadError, match="different steps"):
        trace([[{"step": 0, "a": 1.0}], []], "a")
