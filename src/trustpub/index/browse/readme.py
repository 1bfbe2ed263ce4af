# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a release says of itself: core metadata out of one of its files, and its description as safe HTML.

A wheel's metadata lie beside it; a source distribution has to be read from its start, so what was found is kept in
memory. Files never change under their digest, so what is kept is right for ever.
"""

from __future__ import annotations

import html
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from threading import Lock
from urllib.parse import urlsplit

from trustpub import description
from trustpub.errors import Unreachable
from trustpub.index.kept import File
from trustpub.index.ports import Blobs
from trustpub.packages import metadata
from trustpub.printable import printable

MAX_KEPT = 32 * 1024 * 1024
"""Characters of all that is kept together; the longest unused go first."""
MAX_RENDERED = {"text/markdown": 1024 * 1024, "text/x-rst": 256 * 1024}
"""Characters up to which a description is rendered: docutils takes its time."""
MAX_SHOWN = 1024 * 1024
"""Characters that are shown of one that is not rendered."""

_LINKS = ("http", "https", "mailto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address that the metadata name. Nobody verified it."""

    label: str
    url: str
    """http or https."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a release says of itself. All texts are as its author wrote them, to be escaped; ``readme`` is safe HTML."""

    summary: str = ""
    license: str = ""
    author: str = ""
    requires_python: str = ""
    keywords: Sequence[str] = ()
    classifiers: Sequence[str] = ()
    requires: Sequence[str] = ()
    extras: Sequence[str] = ()
    links: Sequence[Link] = ()
    readme: str = ""
    """HTML without scripts, styles, forms, and anything that would have to be loaded; empty where there is none."""
    faults: Sequence[str] = ()
    """Why the description is shown as it was written, in clauses."""

    @property
    def weight(self) -> int:
        """About how many characters are kept."""
        return len(self.readme) + sum(map(len, (*self.classifiers, *self.requires, *self.keywords))) + 1000


NOTHING = About()
"""Of a release whose files cannot be read any more."""


class Readmes:
    """What files say, read once. Any thread may use it; it waits for nobody but who reads the same file just now."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[str, About] = OrderedDict()
        self._weight = 0
        self._lock = Lock()
        self._turns: dict[str, Lock] = {}

    def about(self, files: Sequence[File]) -> About:
        """What the release with these files says: the first that can be read, wheels before source distributions."""
        for file in sorted(files, key=lambda one: (one.metadata_sha256 is None, one.uploaded, one.filename)):
            found = self._of(file.blake2b_256, lambda file=file: self._read(file))  # type: ignore[misc]
            if found is not NOTHING:
                return found
        return NOTHING

    def _of(self, digest: str, make: Callable[[], About]) -> About:
        with self._lock:
            turn = self._turns.setdefault(digest, Lock())
        try:
            with turn:
                found = self._at_hand(digest)
                if found is not None:
                    return found
                made = make()
                if made is not NOTHING:
                    self._keep(digest, made)
                return made
        finally:
            with self._lock:
                self._turns.pop(digest, None)

    def _at_hand(self, digest: str) -> About | None:
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
            return self._kept.get(digest)

    def _keep(self, digest: str, about: About) -> None:
        with self._lock:
            if digest not in self._kept:
                self._kept[digest] = about
                self._weight += about.weight
            while self._weight > MAX_KEPT:
                _, dropped = self._kept.popitem(last=False)
                self._weight -= dropped.weight

    def _read(self, file: File) -> About:
        try:
            if file.metadata_sha256 is not None:
                raw = self._blobs.metadata(file.blake2b_256, file.filename)
                read = None if raw is None else metadata.parse(raw)
            else:
                with self._blobs.local(file.blake2b_256, file.filename) as path:
                    read = None if path is None else metadata.read(path, file.filetype)
        except (metadata.BadMetadata, OSError, Unreachable):
            return NOTHING  # taken by older rules, deleted just now, or out of reach: the page can do without
        return NOTHING if read is None else about(read.fields)


def about(fields: Mapping[str, Sequence[str]]) -> About:
    """What core metadata say. ``fields``: by header in lower case, as :class:`trustpub.packages.metadata.Metadata`."""

    def one(name: str) -> str:
        return printable(next(iter(fields.get(name, ())), ""), 500)

    def many(name: str, most: int = 200) -> tuple[str, ...]:
        return tuple(printable(value, 300) for value in fields.get(name, ())[:most])

    written = next(iter(fields.get("description", ())), "")
    readme, faults = shown(written, next(iter(fields.get("description-content-type", ())), None))
    return About(
        summary=one("summary"),
        license=one("license-expression") or one("license"),
        author=one("author") or one("author-email") or one("maintainer") or one("maintainer-email"),
        requires_python=one("requires-python"),
        keywords=_keywords(one("keywords")),
        classifiers=many("classifier"),
        requires=many("requires-dist", 500),
        extras=many("provides-extra"),
        links=_links(fields),
        readme=readme,
        faults=faults,
    )


def _keywords(text: str) -> tuple[str, ...]:
    """Separated by commas; by blanks, in files of old tools."""
    return tuple(word.strip() for word in (text.split(",") if "," in text else text.split()) if word.strip())


def shown(text: str, content_type: str | None) -> tuple[str, Sequence[str]]:
    """A description as safe HTML, and why it is shown as it was written, if it is."""
    if not text.strip():
        return "", ()
    kind = (content_type or description.USUAL).partition(";")[0].strip().lower()
    if len(text) > MAX_RENDERED.get(kind, MAX_SHOWN):
        return _as_written(text), ("is too long to be rendered",)
    try:
        found = description.render(text, content_type)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError):
        # Of docutils and its like, on texts that nobody foresaw.
        return _as_written(text), ("cannot be rendered",)
    if found.html is None:
        return _as_written(text), found.faults
    return harmless(found.html), ()


def _as_written(text: str) -> str:
    cut = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
    return f"<pre>{html.escape(cut)}</pre>"


def _links(fields: Mapping[str, Sequence[str]]) -> tuple[Link, ...]:
    found = [("Homepage", fields.get("home-page", ())[:1]), ("Download", fields.get("download-url", ())[:1])]
    pairs = [(label, values[0]) for label, values in found if values]
    for value in fields.get("project-url", ())[:50]:
        label, _, url = value.partition(",")
        pairs.append((label.strip(), url.strip()))
    return tuple(Link(label=printable(label, 60) or "Link", url=url) for label, url in pairs if _is_web(url))


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 2000 and url.isprintable()
    except ValueError:
        return False


def harmless(sanitised: str) -> str:
    """HTML of readme_renderer, made fit to stand inside a page of ours.

    Pictures become links to them: they lie elsewhere, and whoever has them would learn who reads the page. Links to
    places on this index go, as they were meant for another site. Ids get a name of their own, classes go, and headings
    step back behind those of the page.
    """
    made = _Harmless()
    made.feed(sanitised)
    made.close()
    return made.text


# Of all other tags only what is in them is kept: landmarks would be taken for the page's own.
_KEPT = {
    "a": ("title",), "abbr": ("title",), "acronym": ("title",), "td": ("align", "colspan", "rowspan"), "th": ("align",),
    "div": ("align",), "p": ("align",), "ol": ("start",),
}  # fmt: skip
_EMPTY = frozenset({"br", "hr", "col"})
_ALLOWED = frozenset(
    {
        "a", "abbr", "acronym", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
        "details", "div", "dl", "dt", "em", "hr", "i", "kbd", "li", "ol", "p", "pre", "span", "strong", "sub",
        "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "tt", "ul", "var",
    }
)  # fmt: skip
_NOTHING_IN_IT = re.compile(r"<a(?: [^<>]*)?></a>")
_HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}


class _Harmless(HTMLParser):
    """Writes what it reads anew: nothing is passed on that is not named here."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._linked: list[bool] = []
        """Of every open ``a``: whether it is a link."""

    @property
    def text(self) -> str:
        # Renderers put a link to itself, with nothing in it, beside each heading.
        return _NOTHING_IN_IT.sub("", "".join(self._parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._picture(given)
        elif tag == "input":
            self._parts.append("☑ " if "checked" in given else "☐ ")
        elif tag in _HEADINGS or tag in _ALLOWED:
            kept = {name: given[name] for name in _KEPT.get(tag, ()) if name in given}
            if given.get("id"):
                kept["id"] = f"readme-{given['id']}"
            if tag == "a":
                target = _target(given.get("href", ""))
                self._linked.append(target is not None)
                if target is not None:
                    kept |= {"href": target, "rel": "nofollow noopener"}
            self._open(_HEADINGS.get(tag, tag), kept)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY or not (tag in _HEADINGS or tag in _ALLOWED):
            return
        if tag == "a" and self._linked:
            self._linked.pop()
        self._parts.append(f"</{_HEADINGS.get(tag, tag)}>")

    def handle_data(self, data: str) -> None:
        self._parts.append(html.escape(data))

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        said = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
        self._parts.append(f"<{tag}{said}>")

    def _picture(self, given: Mapping[str, str]) -> None:
        alt, source = given.get("alt", "").strip(), given.get("src", "")
        shown = alt or "picture"
        if not _is_web(source) or any(self._linked):
            self._parts.append(html.escape(f"[{shown}]") if not any(self._linked) else html.escape(shown))
            return
        self._open("a", {"href": source, "rel": "nofollow noopener"})
        self._parts.append(f"{html.escape(f'[{shown}]')}</a>")


def _target(href: str) -> str | None:
    """Where a link may lead: another site, a mailbox, or a place in the same description."""
    if href.startswith("#"):
        return f"#readme-{href[1:]}" if len(href) > 1 else None
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme not in _LINKS or (parts.scheme != "mailto" and not parts.netloc):
        return None
    return href
