from __future__ import annotations

import pytest
from pydantic import ValidationError

from medad.config.base import Count, Model, Name, Sha256


class Section(Model):
    count: Count
    name: Name
    sha256: Sha256


GOOD = {"count": 1, "name": "a-b_1", "sha256": "0" * 64}


def test_what_is_valid_is_kept_and_cannot_be_changed() -> None:
    section = Section.model_validate(GOOD)
    assert section.model_dump() == GOOD
    with pytest.raises(ValidationError, match="frozen"):
        section.count = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [{"count": 0}, {"count": "1"}, {"name": "../a"}, {"name": ""}, {"sha256": "0"}, {"more": 1}],
)
def test_loose_types_unknown_keys_and_names_that_leave_a_folder_are_errors(
    change: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({**GOOD, **change})
