from __future__ import annotations

import math

import pytest

from medad.resolve import attribute


def test_an_attribute_by_its_name() -> None:
    assert attribute("math:sqrt") is math.sqrt
    with pytest.raises(AttributeError):
        attribute("math:no_such_thing")
