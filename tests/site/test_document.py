from __future__ import annotations

from html.parser import HTMLParser

from medad.site import document
from medad.site.document import Crumb

VOID = {"meta", "link", "img", "br"}


class Balanced(HTMLParser):
    """Every tag is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_allows_no_network() -> None:
    body = (
        document.section("a", "A & B", document.table("t", ["x", "y"], [("1", "2")]), "note")
        + document.facts([("<name>", "<b>value</b>")])
        + document.contents([("a", "A & B")])
        + document.details("more", "<p>inner</p>")
        + document.command("medad audit 'a b' \"<c>\"")
    )
    page = document.document("cells/x.html", "<title>", [Crumb("Tables", "index.html")], body)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "default-src 'none'" in page
    assert "http" not in document.POLICY
    assert 'href="../style.css"' in page
    assert "<title>&lt;title&gt;</title>" in page
    assert "&lt;name&gt;" in page
    assert "medad audit &#x27;a b&#x27; &quot;&lt;c&gt;&quot;" in page
    assert 'name="viewport"' in page


def test_links_lead_up_as_far_as_needed() -> None:
    assert [document.root_of(p) for p in ("a.html", "b/a.html", "c/b/a.html")] == [
        "",
        "../",
        "../../",
    ]
