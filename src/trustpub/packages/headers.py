# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the fields of core metadata may hold (packaging.python.org, core metadata 1.0 to 2.6).

A field that is newer than the Metadata-Version beside it is no fault: build backends write some of them ahead of time.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from trustpub.packages.entries import fault_in_path
from trustpub.packages.names import is_valid

VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
"""Metadata versions that are understood here."""

MAX_SUMMARY = 512
MAX_LABEL = 32

ONCE = frozenset(
    {
        "metadata-version", "name", "version", "summary", "description", "description-content-type", "keywords",
        "home-page", "download-url", "author", "author-email", "maintainer", "maintainer-email", "license",
        "license-expression", "requires-python",
    }
)  # fmt: skip
"""Fields for one value; given twice, two readers could see two packages."""

_OFTEN = frozenset(
    {
        "platform", "supported-platform", "classifier", "requires", "provides", "obsoletes", "requires-dist",
        "provides-dist", "obsoletes-dist", "requires-external", "project-url", "provides-extra", "dynamic",
        "license-file", "import-name", "import-namespace",
    }
)  # fmt: skip
_STATIC = frozenset({"metadata-version", "name", "version"})
_REQUIRED = ("metadata-version", "name", "version")
_CONTENT_TYPE = re.compile(
    r"(text/(?:plain|x-rst|markdown))((?:\s*;\s*[a-z]+\s*=\s*\"?[\w.-]+\"?)*)\s*;?\Z", re.I | re.A
)
_PARAMETER = re.compile(r"([a-z]+)\s*=\s*\"?([\w.-]+)\"?", re.I | re.A)
_MAX_SHOWN = 100


def faults(fields: Mapping[str, Sequence[str]]) -> list[str]:
    """All that is wrong with these fields (header in lower case to values), as ends of sentences."""
    found = [f"have no {one}" for one in _REQUIRED if one not in fields]
    found += [f"give {one} more than once" for one in sorted(ONCE & fields.keys()) if len(fields[one]) > 1]
    for header, judge in _RULES.items():
        for value in fields.get(header, ()):
            fault = judge(value)
            if fault is not None:
                found.append(f"have a {header} that {fault}: {_shown(value)}")
    return found + list(_contradictions(fields))


def _shown(value: str) -> str:
    return repr(value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "…")


def _contradictions(fields: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if "license" in fields and "license-expression" in fields:
        yield "have both license and license-expression, of which only one may be (PEP 639)"
    names, spaces = ({_import_name(one) for one in fields.get(f"import-{kind}", ())} for kind in ("name", "namespace"))
    if both := names & spaces:
        yield f"have the same import-name and import-namespace: {_shown(min(both))}"


def _import_name(value: str) -> str:
    return value.partition(";")[0].strip()


def _metadata_version(value: str) -> str | None:
    return None if value in VERSIONS else f"is not one of {VERSIONS[0]} to {VERSIONS[-1]}, the ones that are known"


def _name(value: str) -> str | None:
    return None if is_valid(value) else "is not a valid project name"


def _version(value: str) -> str | None:
    return _unless(Version, value, InvalidVersion, "is not a version (PEP 440)")


def _specifiers(value: str) -> str | None:
    return _unless(SpecifierSet, value, InvalidSpecifier, "is not a version specifier (PEP 440)")


def _requirement(value: str) -> str | None:
    return _unless(Requirement, value, InvalidRequirement, "is not a requirement (PEP 508)")


def _license(value: str) -> str | None:
    said = "is not a license expression (SPDX)"
    return _unless(canonicalize_license_expression, value, InvalidLicenseExpression, said)


def _unless(read: Callable[[str], object], value: str, error: type[Exception], said: str) -> str | None:
    try:
        read(value)
    except (error, ValueError, RecursionError):  # ValueError: int takes no number of thousands of digits
        return said
    return None


def _summary(value: str) -> str | None:
    if "\n" in value or "\r" in value:
        return "is longer than a line"
    return f"is longer than {MAX_SUMMARY} characters" if len(value) > MAX_SUMMARY else None


def _content_type(value: str) -> str | None:
    said = "is not text/plain, text/x-rst or text/markdown in UTF-8"
    read = _CONTENT_TYPE.match(value)
    if read is None:
        return said
    for name, given in _PARAMETER.findall(read[2]):
        if name.lower() == "charset" and given.upper() != "UTF-8":
            return said
        if name.lower() == "variant" and given not in ("GFM", "CommonMark"):
            return "has a variant of Markdown that is neither GFM nor CommonMark"
    return None


def _project_url(value: str) -> str | None:
    label, comma, url = value.partition(",")
    if not comma or not label.strip() or not url.strip():
        return "is not LABEL, URL"
    return f"has a label of more than {MAX_LABEL} characters" if len(label.strip()) > MAX_LABEL else None


def _dynamic(value: str) -> str | None:
    header = value.lower()
    return None if header in (ONCE | _OFTEN) - _STATIC else "is not a field that may be dynamic"


def _license_file(value: str) -> str | None:
    return fault_in_path(value)


def _import(value: str) -> str | None:
    name, semicolon, private = value.partition(";")
    parts = name.strip().split(".")
    sound = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return None if sound and private.strip() == ("private" if semicolon else "") else "is not the name of a module"


_RULES: Mapping[str, Callable[[str], str | None]] = {
    "metadata-version": _metadata_version,
    "name": _name,
    "version": _version,
    "summary": _summary,
    "description-content-type": _content_type,
    "license-expression": _license,
    "requires-python": _specifiers,
    "requires-dist": _requirement,
    "provides-extra": _name,
    "project-url": _project_url,
    "dynamic": _dynamic,
    "license-file": _license_file,
    "import-name": _import,
    "import-namespace": _import,
}
