from pathlib import Path

import pytest

from medad.pretraining.session import Adapted, Session


def test_a_session_needs_no_listener_and_cannot_change():
    path = Path("x")
    session = Session(1, 2, path, path, path, "f")
    assert session.report(1, 2, "text") is None
    assert session.device == "cpu"
    with pytest.raises(AttributeError):
        session.batch_seed = 3


def test_facts_are_optional():
    assert Adapted(trunk=None).facts == {}
