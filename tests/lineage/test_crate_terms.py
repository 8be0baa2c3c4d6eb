from __future__ import annotations

import base64
import hashlib
from urllib.parse import unquote, urlsplit

from medad.lineage import crate_terms as terms
from medad.lineage.export import Image

STRANGE = 'sub dir/#1 "é" ?x=<y>|100%\\..\\n.png'


def test_a_hashed_file_is_named_by_content_and_its_path_cannot_break_out() -> None:
    digest = hashlib.sha256(b"image").hexdigest()
    name = terms.image(Image("brain", STRANGE, digest, 5))["@id"]
    parts = urlsplit(name)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("ni", "", "")
    algorithm, _, value = parts.path.lstrip("/").partition(";")
    assert algorithm == "sha-256"
    assert base64.urlsafe_b64decode(value + "=").hex() == digest
    assert unquote(parts.query.removeprefix("path=")) == f"brain/{STRANGE}"
    assert name.isascii()
    assert not set(name) & set(' "<>\\^`{|}#')
    assert terms.hashed_id("a", digest) != terms.hashed_id("b", digest)


def test_a_mask_of_unknown_size_says_none() -> None:
    told = terms.image(Image("brain", "mask.png", "0" * 64, None))
    assert "contentSize" not in told
    assert told["encodingFormat"] == "image/png"


def test_equal_sets_of_images_are_one_collection() -> None:
    assert terms.collection(["b", "a"]) == terms.collection(["a", "b"])
    assert terms.collection(["a"])["@id"] != terms.collection(["b"])["@id"]


def test_values_keep_their_type_apart() -> None:
    known = {terms.value("head", "k", content)["value"] for content in (1, 1.0, True, None, [1])}
    assert known == {"1", "1.0", "true", "null", "[1]"}
    one, other = terms.value("head", "k", 1), terms.value("head", "neighbors", 1)
    assert one["@id"] != other["@id"]
    assert one["exampleOfWork"] == {"@id": terms.formal("head", "k", "PropertyValue")["@id"]}
