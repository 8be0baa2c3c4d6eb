from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.site import text

HASH = "ab" * 32


@given(st.text())
def test_escaped_text_holds_no_markup_and_reads_the_same(value: str) -> None:
    escaped = text.esc(value)
    assert not set(escaped) & set("<>\"'")
    assert html.unescape(escaped) == text.visible(value)


@given(st.text())
def test_nothing_that_hides_or_turns_text_remains(value: str) -> None:
    assert not {unicodedata.category(char) for char in text.visible(value)} & {"Cc", "Cf", "Cs"}


def test_a_reversed_name_is_spelled_out() -> None:
    assert text.visible("a\u202egnp.exe") == "a⟨U+202E⟩gnp.exe"
    assert text.visible("Grüße 脳 √.png") == "Grüße 脳 √.png"


def test_pages_of_images_are_named_by_hash_and_slice() -> None:
    assert text.image_id(HASH, "../<x>.png") == HASH
    assert text.image_id(HASH, "vol.nii.gz#z=12") == f"{HASH}-z12"
    with pytest.raises(MedadError, match="not a sha256"):
        text.image_id("../../x", "a.png")


@given(st.lists(st.text(), min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=3))
def test_slugs_are_safe_names_and_differ(one: list[str], other: list[str]) -> None:
    assert set(text.slug(*one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(text.slug(*one)) < 80
    assert (text.slug(*one) == text.slug(*other)) == ("\0".join(one) == "\0".join(other))


def test_numbers_for_a_reader() -> None:
    assert text.number(-0.12345) == "−0.1235"
    assert text.score(0.192) == "0.1920"
    assert text.size(512) == "512 bytes"
    assert text.size(1813) == "1.8 KiB (1,813 bytes)"
    assert text.plural(1, "draw") == "1 draw"
    assert text.plural(1200, "step") == "1,200 steps"
    assert (text.column_name("all"), text.column_name("4")) == ("mean over K", "K = 4")
