# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pages about how this index does: beside documents, beside PyPI, and against a list of threats."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"

_FLOWS = """# Documented flows

What the documents of this field tell people to type works against this index as it stands: the same tools send the same
requests, with only the host exchanged. Each flow is a script that the tests run under bash, against an index over TLS
and an emulated identity provider.

| document | flow | here | how it is tested |
|---|---|---|---|
"""

_VERDICTS = """# Verdicts beside PyPI's

432 inputs whose verdict was recorded from PyPI's own code (pypi/warehouse, August 2026) run against this index: claims,
identity tokens, requests and key sets over HTTP, registration forms and names through the code that registers
publishers. {same} end as on PyPI. The other {other} are listed here, each with its reason:
{counts}.

| case | about | PyPI | here | kind | why |
|---|---|---|---|---|---|
"""

_THREATS = """# Security checklist

What threatens an exchange of identity tokens for upload tokens, what stands against it here, and the tests that show
it. A is about identity tokens, B about trust, C about what is minted, D about endpoints; TOB-PYPI26 are the findings of
PyPI's audit of April 2026.

| | threat | here | tests |
|---|---|---|---|
"""


def flows_page() -> str:
    """The table of ``tests/compat/documents/flows.toml``."""
    listed = tomllib.loads((TESTS / "compat/documents/flows.toml").read_text(encoding="utf-8"))["flow"]
    rows = (f"| {one['document']} | {one['flow']} | {one['result']} | {_tested(one)} |\n" for one in listed)
    return _FLOWS + "".join(rows)


def _tested(flow: dict[str, Any]) -> str:
    return f"`{flow['script']}`" if "script" in flow else f"not replayed: {flow['reason']}"


def verdicts_page() -> str:
    """The table of ``tests/conformance/deviations.toml``, beside the cases."""
    folder = TESTS / "conformance"
    cases = {one["id"]: one for one in json.loads((folder / "pypi_trust_cases.json").read_text(encoding="utf-8"))}
    listed = tomllib.loads((folder / "deviations.toml").read_text(encoding="utf-8"))["deviation"]
    kinds = Counter(one["kind"] for one in listed)
    said = {"stricter": "stricter", "pypi-defect": "a defect of PyPI's", "wider": "wider"}
    counts = ", ".join(f"{kinds[kind]} {words}" for kind, words in said.items())
    rows = (
        f"| {one['case']} | {_plain(cases[one['case']]['why'])} | {cases[one['case']]['expected']} | {one['outcome']} "
        f"| {one['kind']} | {one['why']} |\n"
        for one in listed
    )
    return _VERDICTS.format(same=len(cases) - len(listed), other=len(listed), counts=counts) + "".join(rows)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def threats_page() -> str:
    """The table of ``tests/security/checklist.toml``."""
    listed = tomllib.loads((TESTS / "security/checklist.toml").read_text(encoding="utf-8"))["threat"]
    rows = (
        f"| {one['id']} | {one['threat']} | {one.get('control') or 'Cannot occur: ' + one['reason']} "
        f"| {'<br>'.join(map(_sentence, one.get('tests', ())))} |\n"
        for one in listed
    )
    return _THREATS + "".join(rows)


def _sentence(test: str) -> str:
    """A test's name as what it is."""
    file, _, name = test.partition("::test_")
    return f"{name.replace('_', ' ')} (`tests/{file}`)"
