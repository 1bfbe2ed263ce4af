# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The legacy upload form (``:action=file_upload``) and what it says: a :class:`Submission`.

A client renders with :func:`form_fields`; an index reads with :func:`read_fields`. Both go by one table, so that
what one sends the other understands. An index does this::

    match read_fields(pairs):          # every text part, in the order of the body; not ``content``
        case Faults() as faults:       # answer with faults.status; faults.faults says all that is wrong, at once
            ...
        case Submission() as submission:
            submission.fields["Requires-Dist"]    # core metadata header -> values, never empty

The form is a claim: the truth is the metadata in the file itself, which an index compares with it. Names, versions and
file names are not judged here (that is :mod:`trustpub.packages.names`), nor is whether a digest matches the bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trustpub.protocol.paths import UPLOAD_PATH as UPLOAD_PATH  # noqa: PLC0414 - whoever has the form wants it, too

CONTENT = "content"
"""The part that holds the file, with its file name; the only part that is not text."""
ATTESTATIONS = "attestations"
ACTION = "file_upload"
PROTOCOL_VERSION = "1"

SDIST = "sdist"
WHEEL = "bdist_wheel"

SINGLE: Mapping[str, str] = {
    "Metadata-Version": "metadata_version",
    "Name": "name",
    "Version": "version",
    "Summary": "summary",
    "Description": "description",
    "Description-Content-Type": "description_content_type",
    "Keywords": "keywords",
    "Home-page": "home_page",
    "Download-URL": "download_url",
    "Author": "author",
    "Author-email": "author_email",
    "Maintainer": "maintainer",
    "Maintainer-email": "maintainer_email",
    "License": "license",
    "License-Expression": "license_expression",
    "Requires-Python": "requires_python",
}
"""Core metadata header to form field, where a header stands at most once (core metadata 2.6)."""

MULTIPLE: Mapping[str, str] = {
    "Platform": "platform",
    "Supported-Platform": "supported_platform",
    "Classifier": "classifiers",
    "Requires": "requires",
    "Provides": "provides",
    "Obsoletes": "obsoletes",
    "Requires-Dist": "requires_dist",
    "Provides-Dist": "provides_dist",
    "Obsoletes-Dist": "obsoletes_dist",
    "Requires-External": "requires_external",
    "Project-URL": "project_urls",
    "Provides-Extra": "provides_extra",
    "Dynamic": "dynamic",
    "License-File": "license_file",
    "Import-Name": "import_name",
    "Import-Namespace": "import_namespace",
}
"""The same for headers that repeat. The plural is used where PyPI uses it; both spellings are read."""

_REQUIRED = ("Metadata-Version", "Name", "Version")
_GONE = frozenset({"submit", "submit_pkg_info", "doc_upload"})
_DIGESTS = {"sha256_digest": 64, "blake2_256_digest": 64, "md5_digest": 32}
_HEX = re.compile(r"[0-9a-f]+\Z")


def _spellings() -> dict[str, str]:
    known = {field: header for header, field in SINGLE.items()}
    for header, field in MULTIPLE.items():
        known[field.removesuffix("s") if field in ("classifiers", "project_urls") else field + "s"] = header
        known[field] = header
    # "requires", "provides" and "obsoletes" end in s already: no second spelling of these.
    return {field: header for field, header in known.items() if not field.endswith("ss")}


_HEADERS = _spellings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One distribution as an upload form describes it."""

    filetype: str
    """:data:`SDIST` or :data:`WHEEL`."""
    pyversion: str
    """``source`` for an sdist, the wheel's Python tag for a wheel."""
    fields: Mapping[str, Sequence[str]]
    """Core metadata header, as in :data:`SINGLE` and :data:`MULTIPLE`, to its values; absent where there is none."""
    sha256: str | None = None
    """Lower-case hex, as the other digests. At least one of the three is given."""
    blake2b_256: str | None = None
    md5: str | None = None
    attestations: tuple[str, ...] = ()
    """The values of all fields of this name: a JSON array of attestations each (PEP 740). Not judged here."""

    @property
    def name(self) -> str:
        """The project, as its metadata spells it."""
        return self.fields["Name"][0]

    @property
    def version(self) -> str:
        """The version, as the metadata spells it."""
        return self.fields["Version"][0]

    @property
    def metadata_version(self) -> str:
        """E.g. ``2.4``."""
        return self.fields["Metadata-Version"][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a form."""

    field: str
    problem: str
    """Goes on after the field's name: ``is missing``. Never repeats a value from outside."""

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Everything that is wrong with a form."""

    faults: tuple[Fault, ...]
    status: int = 400
    """The HTTP status to answer with: 410 for actions that no index has any more."""


def form_fields(submission: Submission) -> list[tuple[str, str]]:
    """The text parts of an upload, in the order to send them; ``content`` follows.

    ``requires_python`` is sent even when empty, because GitLab's registry demands the field.
    """
    pairs = [(":action", ACTION), ("protocol_version", PROTOCOL_VERSION)]
    digests = (
        ("sha256_digest", submission.sha256),
        ("blake2_256_digest", submission.blake2b_256),
        ("md5_digest", submission.md5),
    )
    pairs += [(field, value) for field, value in digests if value]
    pairs += [("filetype", submission.filetype), ("pyversion", submission.pyversion)]
    pairs += [(ATTESTATIONS, text) for text in submission.attestations]
    given = {header.casefold(): values for header, values in submission.fields.items()}
    for header, field in {**SINGLE, **MULTIPLE}.items():
        pairs += [(field, value) for value in given.get(header.casefold(), ())]
    if not given.get("requires-python"):
        pairs.append(("requires_python", ""))
    return pairs


def read_fields(pairs: Iterable[tuple[str, str]]) -> Submission | Faults:
    """What the text parts of an upload say, or everything that is wrong with them.

    An empty value or ``UNKNOWN`` counts as absent; a field that nobody knows is ignored; a field for one value that
    stands twice is a fault.
    """
    given = _present(pairs)
    action = given.get(":action", [])
    if action and action[0] in _GONE:
        gone = Fault(field=":action", problem="is one that indexes no longer have; only file_upload is left")
        return Faults(faults=(gone,), status=410)
    faults: list[Fault] = []
    _envelope(given, faults)
    filetype, pyversion = _kind(given, faults)
    digests = _digests(given, faults)
    fields = _metadata(given, faults)
    if faults:
        return Faults(faults=tuple(faults))
    return Submission(
        filetype=filetype,
        pyversion=pyversion,
        fields=fields,
        sha256=digests.get("sha256_digest"),
        blake2b_256=digests.get("blake2_256_digest"),
        md5=digests.get("md5_digest"),
        attestations=tuple(given.get(ATTESTATIONS, ())),
    )


def _present(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for field, raw in pairs:
        # PostgreSQL stores no NUL, and no field has a use for one; PyPI escapes it like this.
        value = raw.replace("\x00", "\\x00")
        # A description keeps its outer white space: in reStructuredText it has a meaning.
        kept = value if field == "description" else value.strip()
        if kept.strip() and kept.strip() != "UNKNOWN":
            given.setdefault(field, []).append(kept)
    return given


def _one(given: Mapping[str, Sequence[str]], field: str, faults: list[Fault]) -> str | None:
    values = given.get(field, ())
    if len(values) > 1:
        faults.append(Fault(field=field, problem="stands more than once"))
    return values[0] if values else None


def _envelope(given: Mapping[str, Sequence[str]], faults: list[Fault]) -> None:
    action = _one(given, ":action", faults)
    if action is None:
        faults.append(Fault(field=":action", problem="is missing; it must be file_upload"))
    elif action != ACTION:
        faults.append(Fault(field=":action", problem="must be file_upload"))
    if _one(given, "protocol_version", faults) not in (None, PROTOCOL_VERSION):
        faults.append(Fault(field="protocol_version", problem="must be 1"))


def _kind(given: Mapping[str, Sequence[str]], faults: list[Fault]) -> tuple[str, str]:
    filetype, pyversion = _one(given, "filetype", faults), _one(given, "pyversion", faults)
    if filetype is None:
        faults.append(Fault(field="filetype", problem="is missing; it must be sdist or bdist_wheel"))
    elif filetype not in (SDIST, WHEEL):
        faults.append(Fault(field="filetype", problem="must be sdist or bdist_wheel"))
    elif filetype == WHEEL and pyversion is None:
        faults.append(Fault(field="pyversion", problem="is missing; a wheel has its Python tag here"))
    elif filetype == SDIST and pyversion not in (None, "source"):
        faults.append(Fault(field="pyversion", problem="must be source for an sdist"))
    return filetype or "", pyversion or "source"


def _digests(given: Mapping[str, Sequence[str]], faults: list[Fault]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for field, length in _DIGESTS.items():
        value = _one(given, field, faults)
        if value is None:
            continue
        digest = _md5(value) if field == "md5_digest" else value.lower()
        if len(digest) != length or not _HEX.match(digest):
            faults.append(Fault(field=field, problem=f"is not {length} hexadecimal digits"))
        digests[field] = digest
    if not digests:
        faults.append(Fault(field="sha256_digest", problem="is missing, and so is every other digest"))
    return digests


def _md5(value: str) -> str:
    # PyPI's documentation asks for unpadded base64, its code compares hex; 22 characters can only be the former.
    if len(value) != 22:
        return value.lower()
    try:
        return base64.b64decode(value + "==", altchars=b"-_", validate=True).hex()
    except ValueError:
        return value


def _metadata(given: Mapping[str, Sequence[str]], faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for field, values in given.items():
        header = _HEADERS.get(field)
        if header is None:
            continue
        if header in SINGLE:
            value = _one(given, field, faults)
            fields[header] = (value or "",)
        else:
            fields[header] = tuple(dict.fromkeys((*fields.get(header, ()), *values)))
    for header in _REQUIRED:
        if header not in fields:
            faults.append(Fault(field=SINGLE[header], problem="is missing"))
    return fields
