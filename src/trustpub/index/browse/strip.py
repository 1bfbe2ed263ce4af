# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The releases of a project in a row, by who published them, and where that changed from one to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.index.browse.origins import UNKNOWN, Origin, origin_of
from trustpub.index.kept import File
from trustpub.protocol.simple import parsed_version

SOURCE, TOKEN, WAY, BARE = "source", "token", "way", "bare"
"""What changed: the publisher; a publisher for a token; the workflow or environment of the same source; releases
before came with attestations, and this did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One of those who published the project."""

    letter: str
    """A, B, C …, by first appearance; T for people's tokens beginning with the first, ``?`` for what nobody noted."""
    number: int
    """Among the trusted, or among the others, from 0: for colours."""
    origin: Origin
    """As of its newest release."""
    releases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A release was published otherwise than the one before it."""

    kind: str
    """:data:`SOURCE`, :data:`TOKEN`, :data:`WAY` or :data:`BARE`."""
    before: str
    """The version of the release before it."""
    said: str
    """A sentence."""

    @property
    def grave(self) -> bool:
        """Whether somebody should look before they install it."""
        return self.kind != WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A release."""

    version: str
    """In normal form."""
    at: float
    """When its first file that is still here came."""
    files: int
    size: int
    """Bytes."""
    sources: Sequence[Source]
    """All who uploaded files of it; the first file's first."""
    attested: int
    """How many of its files came with an attestation."""
    yanked: bool
    """All of its files are."""
    prerelease: bool
    changes: Sequence[Change] = ()

    @property
    def trusted(self) -> bool:
        """Whether every file of it came through a trusted publisher."""
        return all(one.origin.trusted for one in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """All releases, and all who published them."""

    marks: Sequence[Mark]
    """In the order in which they came."""
    sources: Sequence[Source]


def strip_of(files: Iterable[File], issuers: Mapping[str, str], attested: Collection[str]) -> Strip:
    """The releases that ``files`` make.

    Args:
        files: of one project.
        issuers: as for :func:`trustpub.index.browse.origins.origin_of`.
        attested: names of those that came with an attestation.
    """
    found = [(file, origin_of(file, issuers)) for file in files]
    grouped: dict[str, list[tuple[File, Origin]]] = {}
    for file, origin in sorted(found, key=lambda one: (one[0].uploaded, one[0].filename)):
        grouped.setdefault(str(parsed_version(file.version)), []).append((file, origin))
    sources = _sources(grouped.values())
    marks: list[Mark] = []
    for version, of_it in grouped.items():
        mark = _mark(version, of_it, sources, attested)
        marks.append(_compared(mark, marks[-1] if marks else None, of_it, grouped))
    return Strip(marks=marks, sources=list(sources.values()))


def _sources(releases: Iterable[list[tuple[File, Origin]]]) -> dict[str, Source]:
    newest: dict[str, Origin] = {}
    count: dict[str, int] = {}
    for of_it in releases:
        for key in dict.fromkeys(origin.key for _, origin in of_it):
            count[key] = count.get(key, 0) + 1
        for _, origin in of_it:
            newest[origin.key] = origin
    order = list(count)
    trusted = [key for key in order if newest[key].trusted]
    people = [key for key in order if not newest[key].trusted and key != UNKNOWN]
    letters = {key: _letter(number) for number, key in enumerate(trusted)}
    letters |= {key: "T" if number == 0 else f"T{number + 1}" for number, key in enumerate(people)}
    numbers = {key: number for group in (trusted, people) for number, key in enumerate(group)}
    return {
        key: Source(letter=letters.get(key, "?"), number=numbers.get(key, 0), origin=newest[key], releases=count[key])
        for key in order
    }


def _letter(number: int) -> str:
    """A to S, as T is for tokens; then A2 and so on."""
    again, place = divmod(number, 19)
    return chr(ord("A") + place) + (str(again + 1) if again else "")


def _mark(
    version: str, of_it: list[tuple[File, Origin]], sources: Mapping[str, Source], attested: Collection[str]
) -> Mark:
    return Mark(
        version=version,
        at=min(file.uploaded for file, _ in of_it),
        files=len(of_it),
        size=sum(file.size for file, _ in of_it),
        sources=[sources[key] for key in dict.fromkeys(origin.key for _, origin in of_it)],
        attested=sum(file.filename in attested for file, _ in of_it),
        yanked=all(file.yanked is not None for file, _ in of_it),
        prerelease=parsed_version(version).is_prerelease,
    )


def _compared(
    mark: Mark, before: Mark | None, of_it: list[tuple[File, Origin]], grouped: Mapping[str, list[tuple[File, Origin]]]
) -> Mark:
    if before is None:
        return mark
    changes = [one for one in (_source_change(mark, before), _bare(mark, before)) if one is not None]
    if not changes and (way := _way_change(mark, before, of_it, grouped[before.version])) is not None:
        changes = [way]
    return replace(mark, changes=changes)


def _source_change(mark: Mark, before: Mark) -> Change | None:
    known = {one.origin.key for one in before.sources}
    new = [one for one in mark.sources if one.origin.key not in known]
    if not new or all(one.origin.key == UNKNOWN for one in new):
        return None
    if known == {UNKNOWN}:
        return None  # nobody can say that it was another
    said = (
        f"{mark.version} was published by {_named(mark.sources, before.sources)}, "
        f"and {before.version} by {_named(before.sources, mark.sources)}."
    )
    if before.trusted and not mark.trusted:
        return Change(kind=TOKEN, before=before.version, said=f"{said} A token was used instead of Trusted Publishing.")
    return Change(kind=SOURCE, before=before.version, said=said)


def _named(sources: Sequence[Source], others: Sequence[Source]) -> str:
    """By label; where another has the same, as a repository that was made anew has, by letter too."""
    taken = {one.origin.label for one in others if one not in sources}
    return " and ".join(
        f"{one.origin.label} ({one.letter}, another of the same name)" if one.origin.label in taken
        else one.origin.label
        for one in sources
    )  # fmt: skip


def _bare(mark: Mark, before: Mark) -> Change | None:
    if before.attested < before.files or mark.attested == mark.files:
        return None
    lost = "no file" if mark.attested == 0 else "not every file"
    said = f"Every file of {before.version} came with an attestation, and {lost} of {mark.version} did."
    return Change(kind=BARE, before=before.version, said=said)


def _way_change(
    mark: Mark, before: Mark, of_it: list[tuple[File, Origin]], of_last: list[tuple[File, Origin]]
) -> Change | None:
    ways, old = ({origin.way for _, origin in them if origin.way} for them in (of_it, of_last))
    if not ways or not old or ways <= old:
        return None
    said = (
        f"{mark.version} was published by {' and '.join(sorted(ways - old))}; "
        f"{before.version} by {' and '.join(sorted(old))}."
    )
    return Change(kind=WAY, before=before.version, said=said)
