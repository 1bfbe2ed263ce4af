# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What pages say of origins, strips and descriptions, by the functions that make it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.index.web.conftest import sdist
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.browse.log import told
from trustpub.index.browse.origins import Origin, origin_of
from trustpub.index.browse.readme import NOTHING, Readmes, about, shown
from trustpub.index.browse.strip import strip_of
from trustpub.index.kept import Event, File
from trustpub.index.web.site.strip import COLOURS, TOKEN_COLOUR, UNKNOWN_COLOUR, draw

GITHUB = "https://token.actions.githubusercontent.com"
RUN = {
    "kind": "github",
    "publisher": "p",
    "subject": "octo/hello",
    "repository_id": "7",
    "sha": "a" * 40,
    "run_id": "9",
}


def a_file(
    version: str = "1.0", at: float = 1.0, number: int = 0, origin: Mapping[str, str] = MappingProxyType({})
) -> File:
    return File(
        project_id="p", filename=f"hello-{version}-{number}.tar.gz", version=version, filetype="sdist", size=1,
        sha256="0" * 64, blake2b_256=f"{version}{number}", md5=None, metadata_sha256=None, requires_python=None,
        uploaded=at, token_id="t", origin=origin,
    )  # fmt: skip


def of(**origin: str) -> Origin:
    return origin_of(a_file(origin=origin), {})


def test_a_forge_is_linked_only_where_the_issuer_says_which() -> None:
    def home(kind: str, issuer: str, subject: str = "octo/hello") -> str | None:
        return of(kind=kind, issuer=issuer, subject=subject).source_url

    assert home("github", GITHUB) == "https://github.com/octo/hello"
    assert home("github", f"{GITHUB}/octo") == "https://github.com/octo/hello"
    assert home("github", "https://token.actions.acme.ghe.com") == "https://acme.ghe.com/octo/hello"
    assert home("github", "https://ghe.acme.example/_services/token") == "https://ghe.acme.example/octo/hello"
    assert home("gitlab", "https://gitlab.acme.example", "a/b/c") == "https://gitlab.acme.example/a/b/c"
    assert home("github", f"{GITHUB}.evil.example") is None
    assert home("github", "https://evil.example/x") is None
    assert home("gitlab", "http://gitlab.acme.example") is None
    assert home("google", "https://accounts.google.com") is None


@pytest.mark.parametrize(
    "subject", ["octo", "octo/../evil", "octo/./x", "octo/hello/more", "//evil", "a/b?c", "a/b#c", "", "a/b\n"]
)
def test_a_subject_that_is_no_repository_is_not_linked(subject: str) -> None:
    assert of(kind="github", issuer=GITHUB, subject=subject).source_url is None


def test_commit_and_run_are_linked_only_where_they_are_such() -> None:
    sound = origin_of(a_file(origin=RUN), {"p": GITHUB})
    assert sound.commit_url == f"https://github.com/octo/hello/commit/{'a' * 40}"
    assert sound.run_url == "https://github.com/octo/hello/actions/runs/9"
    bad = origin_of(a_file(origin={**RUN, "sha": "../x", "run_id": "9/../x"}), {"p": GITHUB})
    assert (bad.commit, bad.commit_url, bad.run_url) == ("", None, None)


def test_the_id_of_a_repository_tells_sources_apart_and_its_name_does_not() -> None:
    old, renamed = of(**RUN | {"issuer": GITHUB}), of(**RUN | {"issuer": GITHUB, "subject": "octo/renamed"})
    anew = of(**RUN | {"issuer": GITHUB, "repository_id": "8"})
    assert old.key == renamed.key
    assert old.key != anew.key
    assert old.key != of(**RUN | {"issuer": "https://other.example"}).key


def test_a_file_from_before_it_was_noted_is_of_an_unknown_origin_and_no_change() -> None:
    strip = strip_of([a_file("1.0", 1), a_file("1.1", 2, 0, RUN), a_file("1.2", 3)], {}, set())
    assert [one.letter for mark in strip.marks for one in mark.sources] == ["?", "A", "?"]
    assert not any(mark.changes for mark in strip.marks)


def test_a_file_that_comes_later_to_an_old_release_from_elsewhere_is_a_change() -> None:
    files = [a_file("1.0", 1, 0, RUN), a_file("1.1", 2, 0, RUN), a_file("1.1", 3, 1, {"user": "mallory"})]
    strip = strip_of(files, {}, set())
    assert [one.letter for one in strip.marks[1].sources] == ["A", "T"]
    (change,) = strip.marks[1].changes
    assert change.grave
    assert change.said == (
        "1.1 was published by GitHub Actions: octo/hello and mallory, with a token, and 1.0 by "
        "GitHub Actions: octo/hello. A token was used instead of Trusted Publishing."
    )
    assert not strip.marks[1].trusted


def test_spellings_of_one_version_are_one_release() -> None:
    strip = strip_of([a_file("1.0", 1, 0, RUN), a_file("1.0", 2, 1, RUN), a_file("v1.0", 3, 2, RUN)], {}, set())
    assert [(mark.version, mark.files) for mark in strip.marks] == [("1.0", 3)]


def lightness(colour: str) -> float:
    """CIE L* of an sRGB colour, 0 to 100."""
    return float(116 * luminance(colour) ** (1 / 3) - 16)


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_letters_can_be_read_and_colours_differ_in_lightness_alone() -> None:
    for fill, ink in (*COLOURS, TOKEN_COLOUR, UNKNOWN_COLOUR):
        assert contrast(fill, ink) >= 4.5, fill
    lights = [lightness(fill) for fill, _ in COLOURS]
    assert min(abs(one - other) for one, other in itertools.combinations(lights, 2)) > 6
    assert min(abs(one - other) for one, other in itertools.pairwise(lights)) > 10


def test_more_publishers_than_colours_have_letters_of_their_own() -> None:
    files = [a_file(f"1.{number}", number, 0, {"kind": "github", "subject": f"o/r{number}"}) for number in range(25)]
    drawing = draw(strip_of(files, {}, set()))
    letters = [part.letter for block in drawing.blocks for part in block.parts]
    assert len(set(letters)) == 25
    assert "T" not in letters
    assert letters[:3] == ["A", "B", "C"]
    assert letters[-1] == "F2"


def test_nothing_overlaps_in_a_drawing() -> None:
    files = [
        a_file(f"1.{number // 3}", number, number, {"kind": "github", "subject": f"o/r{number % 3}"})
        for number in range(12)
    ]
    drawing = draw(strip_of(files, {}, set()))
    parts = [part for block in drawing.blocks for part in block.parts]
    assert len(parts) == 12
    for one, other in itertools.pairwise(parts):
        assert one.x + one.width <= other.x + 0.02
    assert parts[-1].x + parts[-1].width <= drawing.width


WORDS = """a abbr acronym b blockquote br caption cite code col colgroup dd del details div dl dt em h3 h4 h5 h6 hr i
kbd li ol p pre span strong sub summary sup table tbody td th thead tr tt ul var"""
ALLOWED = frozenset(WORDS.split())


class Judge(HTMLParser):
    """Fails on whatever a description may not have."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        for name, value in attrs:
            assert name in {"href", "rel", "title", "id", "align", "colspan", "rowspan", "start"}
            if name == "href":
                assert re.match(r"(?:https?://|mailto:|#readme-)", value or "")
            if name == "id":
                assert (value or "").startswith("readme-")


PIECES = [
    "<script>", "</script>", "<img src=x onerror=alert(1)>", "<svg/onload=x>", "<a href='javascript:x'>", "</a>",
    "[x](data:text/html,x)", "[y](/logout)", "![z](https://e.example/p.png)", "<style>", "<!--", "-->", "<![CDATA[",
    "]]>", "<div id=content class=notice>", "</div>", "<h1>", "&lt;b&gt;", "&#60;script&#62;", "`code`", "# head\n",
    "\n\n", "- [x] a\n", "| a |\n|--|\n", "<", ">", '"', "'", "&", "\x00", "<math>", "<p title='\"><script>'>",
    "https://e.example/?a=<b>", "<table><tr><td background=x>",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.sampled_from(["text/markdown", "text/x-rst", "text/plain", "text/html"]),
)
def test_no_description_brings_more_than_what_is_named(pieces: list[str], content_type: str) -> None:
    html, _ = shown("".join(pieces), content_type)
    judge = Judge()
    judge.feed(html)
    judge.close()


def test_a_description_that_cannot_be_rendered_is_shown_as_it_was_written() -> None:
    html, faults = shown("A\n==\n\n.. include:: /etc/passwd\n", None)
    assert "root:" not in html
    assert html.startswith("<pre>")
    assert any("include" in one for one in faults)
    html, faults = shown("<b>" * 100_000, "text/x-rst")
    assert "<b>" not in html
    assert faults == ("is too long to be rendered",)


def test_links_of_the_metadata_lead_to_web_pages_or_nowhere() -> None:
    fields = {
        "project-url": (
            "Good, https://example.org/", "Bad, javascript:alert(1)", "Worse, //example.org", "None", "D, data:x",
        ),
        "home-page": ("ftp://example.org",),
    }  # fmt: skip
    assert [(one.label, one.url) for one in about(fields).links] == [("Good", "https://example.org/")]


def test_a_source_distribution_is_read_once(tmp_path: Path) -> None:
    class Counting(FolderBlobs):
        opened = 0

        def open(self, blake2b_256: str, filename: str) -> str | None:
            Counting.opened += 1
            return super().open(blake2b_256, filename)

    blobs = Counting(tmp_path)
    digest = "a" * 64
    with blobs.stage() as staged:
        staged.write(sdist("hello", "1.0"))
        staged.finish()
        staged.keep(digest, "hello-1.0.tar.gz", None)
    readmes = Readmes(blobs)
    file = File(
        project_id="p", filename="hello-1.0.tar.gz", version="1.0", filetype="sdist", size=1, sha256="0" * 64,
        blake2b_256=digest, md5=None, metadata_sha256=None, requires_python=None, uploaded=1.0, token_id="t",
    )  # fmt: skip
    assert [readmes.about([file]).readme for _ in range(5)] == ["<p>Hello.</p>\n"] * 5
    assert Counting.opened == 1
    blobs.remove(digest, file.filename)
    assert Readmes(blobs).about([file]) is NOTHING


def test_an_event_is_told_with_who_did_it_and_without_secrets_of_form() -> None:
    event = Event(
        at=1.0, kind="strange-new-kind", project_id="p", publisher_id="x",
        facts={"origin": {"subject": "octo/\x1b[31mhello", "sha": "ff"}, "project": "hello", "nothing": None,
               "before": {"trusted_only": True}, "compared": [["repository", "a/b", "a/c", False]]},
    )  # fmt: skip
    said = told(event)
    assert said.title == "Strange new kind"
    assert said.who == "publisher octo/\\x1b[31mhello"
    assert ("before, trusted only", "yes") in said.facts
    assert ("repository", "a/c, and not wanted: a/b") in said.facts
    assert not any("\x1b" in value for _, value in said.facts)
