# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index that wants more than it should: whatever it answers, the CI is asked for nothing, and nothing it says acts.

The job is one of GitHub Actions with a real endpoint for identity tokens; that nobody asked there is what counts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

DISCOVERY, AUDIENCE, MINT, BURN = (
    "/.well-known/pytp", "/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token",
)  # fmt: skip

OTHERS = (
    "pypi", "PyPI", "testpypi", "sigstore", "Sigstore", "vault", "npm", "minio", "kubernetes", "api", "jfrog-github",
    "sts.amazonaws.com", "sts.us-east-1.amazonaws.com", "api://AzureADTokenExchange", "AzureADTokenExchange",
    "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/localhost",
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/localhost",
    "https://vault.example.com", "https://vault.example.com/localhost", "npm:registry.npmjs.org", "npm:localhost",
    "crates.io", "rubygems.org", "https://github.com/octo", "https://gitlab.com", "https://kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local", "aws.workload.identity", "urn:pulumi:org:octo", "https://buildkite.com/octo",
    "ari:cloud:bitbucket::workspace/9b6a5e2e-8b0d-4b0e-9c3c-0d5d8d1d2c3a", "9b6a5e2e-8b0d-4b0e-9c3c-0d5d8d1d2c3a",
    "https://packages.example.com", "packages.example.com", "packages.example.com:8443", "packages_example_com",
    "packages_example_com_0123456789abcdef", "https://user@packages.example.com/localhost", "localhost.example.com",
    "https://localhost@sts.amazonaws.com", "sts.amazonaws.com,localhost", "localhost,sts.amazonaws.com",
)  # fmt: skip


def document(url: str, **more: Any) -> dict[str, Any]:
    """A discovery document that is as it should be, but for ``more``."""
    return {"audience-endpoint": url + AUDIENCE, "token-mint-endpoint": url + MINT, **more}


def nothing_happened(ran: Any, index: Any, runner: Any, make: Any, *codes: int) -> None:
    """The release ended in a sentence, no token was asked for, and nothing was shown that acts."""
    assert ran.code in codes, ran.err
    assert runner.asked == [], "the CI was asked for an identity token"
    assert {MINT, BURN, "/legacy/"}.isdisjoint(index.paths())
    assert ran.out == ""
    harmless(ran)
    assert make.REQUEST_TOKEN not in ran.err


def harmless(ran: Any) -> None:
    """No line of it is a command to a runner, a terminal, or what renders Markdown."""
    assert "Traceback" not in ran.err
    assert "bug in trustpub" not in ran.err
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", ran.shown)
    for sign in ("::", "##", "](", "<img", "<script", "<a "):
        assert sign not in ran.shown, sign


@pytest.mark.parametrize("audience", OTHERS)
def test_no_identity_is_asked_for_an_audience_of_somebody_else(
    run: Any, index: Any, runner: Any, make: Any, audience: str
) -> None:
    index.answer(AUDIENCE, make.Answer(body={"audience": audience}))
    ran = run("mint", "--print", "--index", index.url)
    nothing_happened(ran, index, runner, make, 1)
    assert "belongs to somebody else" in ran.err
    assert "None was requested" in ran.err


def test_nor_where_the_index_says_so_by_discovery(run: Any, index: Any, runner: Any, make: Any) -> None:
    index.answer(DISCOVERY, make.Answer(body=document(index.url, **{"audience-endpoint": f"{index.url}/who"})))
    index.answer("/who", make.Answer(body={"audience": "sigstore"}))
    nothing_happened(run("mint", "--print", "--index", index.url), index, runner, make, 1)


@pytest.mark.parametrize(
    "audience",
    [
        "", "two words", "a\nb", "\x1b[31mred", "x" * 257, "pÿpi", "::add-mask::x", None, 7, ["pypi"], {"a": 1}, True,
        "a\u202eb", "![x](https://evil.example)",
    ],
)  # fmt: skip
def test_what_is_no_audience_is_refused(run: Any, index: Any, runner: Any, make: Any, audience: Any) -> None:
    index.answer(AUDIENCE, make.Answer(body={"audience": audience}))
    nothing_happened(run("mint", "--print", "--index", index.url), index, runner, make, 1, 4)


def test_an_audience_that_is_not_the_declared_one_is_refused_however_harmless(
    run: Any, index: Any, runner: Any, make: Any, tmp_path: Path
) -> None:
    table = '[tool.trustpub.indexes.ours]\nurl = "{}"\naudience = "{}"\n'
    (tmp_path / "pyproject.toml").write_text(table.format(index.url, "another_index"))
    for given in ("ours", index.url):
        ran = run("mint", "--print", "--index", given)
        nothing_happened(ran, index, runner, make, 1)
        assert "another_index" in ran.err
        assert "test_index" in ran.err
    (tmp_path / "pyproject.toml").write_text(table.format(index.url, "sigstore"))
    index.answer(AUDIENCE, make.Answer(body={"audience": "sigstore"}))
    nothing_happened(run("mint", "--print", "--index", "ours"), index, runner, make, 1)


def test_a_word_that_only_looks_like_somebody_elses_may_be_declared(
    run: Any, index: Any, runner: Any, make: Any, tmp_path: Path
) -> None:
    index.answer(AUDIENCE, make.Answer(body={"audience": "packages_example_com"}))
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.trustpub.indexes.ours]\nurl = "{index.url}"\naudience = "packages_example_com"\n'
    )
    assert run("mint", "--print", "--index", "ours").code == 0
    assert len(runner.asked) == 1


BROKEN: dict[str, Any] = {
    "another host": {"audience-endpoint": "https://evil.example/_/oidc/audience"},
    "another host to mint at": {"token-mint-endpoint": "https://evil.example/_/oidc/mint-token"},
    "a host that begins alike": {"token-mint-endpoint": "https://localhost.evil.example/_/oidc/mint-token"},
    "a host behind a user": {"token-mint-endpoint": "https://localhost@evil.example/_/oidc/mint-token"},
    "a user before the host": {"token-mint-endpoint": "https://user:secret@localhost/_/oidc/mint-token"},
    "a backslash": {"token-mint-endpoint": "https://localhost\\@evil.example/mint"},
    "a line break in the host": {"token-mint-endpoint": "https://local\nhost/_/oidc/mint-token"},
    "a fragment": {"token-mint-endpoint": "https://localhost/_/oidc/mint-token#x"},
    "a path only": {"token-mint-endpoint": "/_/oidc/mint-token"},
    "no scheme": {"token-mint-endpoint": "//localhost/_/oidc/mint-token"},
    "another scheme": {"token-mint-endpoint": "ftp://localhost/_/oidc/mint-token"},
    "a file": {"token-mint-endpoint": "file:///etc/passwd"},
    "a port that is none": {"token-mint-endpoint": "https://localhost:99999/mint"},
    "no URL": {"token-mint-endpoint": 7},
    "nothing": {"token-mint-endpoint": None},
    "features that are no list": {"features": "multi-use-token"},
    "features that are no strings": {"features": [1]},
    "a thousand features": {"features": ["x"] * 1000},
    "tokens of an unknown kind": {"features": ["no-use-token"], "default-features": ["no-use-token"]},
    "a Sigstore of somebody else": {"sigstore-trust-config": "https://evil.example/trust.json"},
}  # fmt: skip


@pytest.mark.parametrize("more", BROKEN.values(), ids=BROKEN)
def test_a_document_that_breaks_the_rules_is_the_end(
    run: Any, index: Any, runner: Any, make: Any, more: dict[str, Any]
) -> None:
    index.answer(DISCOVERY, make.Answer(body=document(index.url, **more)))
    ran = run("mint", "--print", "--index", index.url)
    nothing_happened(ran, index, runner, make, 1)
    assert "No identity token was requested" in ran.err
    assert "evil.example" not in ran.err


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"{}", b"null", b"7"])
def test_json_that_is_no_document_is_the_end(run: Any, index: Any, runner: Any, make: Any, body: bytes) -> None:
    index.answer(DISCOVERY, make.Answer(body=body))
    ran = run("mint", "--print", "--index", index.url)
    nothing_happened(ran, index, runner, make, 1)
    assert "breaks the rules of PEP 807" in ran.err


@pytest.mark.parametrize("status", [400, 401, 403, 409, 410, 451])
def test_a_refusal_in_json_is_the_end_and_is_told(run: Any, index: Any, runner: Any, make: Any, status: int) -> None:
    said = {"type": "about:blank", "title": "No", "status": status, "detail": "Not for you.\n::error::x"}
    index.answer(DISCOVERY, make.Answer(status=status, body=said))
    ran = run("mint", "--print", "--index", index.url)
    nothing_happened(ran, index, runner, make, 4)
    assert "Not for you." in ran.err


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"no"), (404, {"message": "not here"}), (405, {"detail": "no"}), (406, b""), (200, b"<html>Hello</html>"),
        (200, b""), (204, b""), (403, b"<html>Forbidden</html>"), (401, b"who?"), (200, b"{" + b"[" * 500_000),
    ],
)  # fmt: skip
def test_only_who_knows_nothing_of_discovery_is_looked_up_where_pypi_is(
    run: Any, index: Any, runner: Any, make: Any, status: int, body: Any
) -> None:
    index.answer(DISCOVERY, make.Answer(status=status, body=body))
    ran = run("mint", "--print", "--index", index.url)
    assert ran.code == 0, ran.err
    assert index.paths() == [AUDIENCE, MINT]
    assert index.looked_up[0].query == {"discover": ["/legacy/"]}
    assert index.looked_up[0].headers["accept"].startswith("application/vnd.pypi.pytp.v1+json")


@pytest.mark.parametrize("status", [302, 308])
@pytest.mark.parametrize("path", [DISCOVERY, AUDIENCE])
def test_a_redirect_is_followed_nowhere(
    run: Any, index: Any, plain: Any, runner: Any, make: Any, path: str, status: int
) -> None:
    index.answer(path, make.Answer(status=status, headers={"Location": f"{plain.url}/elsewhere"}))
    nothing_happened(run("mint", "--print", "--index", index.url), index, runner, make, 4)
    assert plain.asked == plain.looked_up == []


def test_a_redirected_mint_takes_the_identity_nowhere(run: Any, index: Any, plain: Any, make: Any) -> None:
    index.answer(MINT, make.Answer(status=307, headers={"Location": f"{plain.url}/elsewhere"}))
    ran = run("mint", "--print", "--index", index.url)
    assert (ran.code, ran.out) == (4, "")
    assert plain.asked == plain.looked_up == []


@pytest.mark.parametrize("path", [DISCOVERY, AUDIENCE])
def test_more_than_an_answer_is_not_read(run: Any, index: Any, runner: Any, make: Any, path: str) -> None:
    index.answer(path, make.Answer(body=b" " * (2 * 1024 * 1024)))
    nothing_happened(run("mint", "--print", "--index", index.url), index, runner, make, 4)


@pytest.mark.parametrize("path", [DISCOVERY, AUDIENCE])
def test_an_index_that_is_busy_is_asked_again(run: Any, index: Any, make: Any, path: str) -> None:
    good = make.Answer(body=document(index.url)) if path == DISCOVERY else make.Answer(body={"audience": "test_index"})
    index.answer(path, make.Answer(status=503, headers={"Retry-After": "0"}), make.Answer(status=None), good)
    ran = run("mint", "--print", "--index", index.url)
    assert ran.code == 0, ran.err
    assert [one.path for one in index.asked + index.looked_up].count(path) == 3


def test_a_document_leads_where_it_says_also_to_be_given_back(run: Any, index: Any, make: Any) -> None:
    where = {"audience-endpoint": f"{index.url}/team/who", "token-mint-endpoint": f"{index.url}/team/mint-token"}
    index.answer(DISCOVERY, make.Answer(body=where))
    index.answer("/team/who", make.Answer(body={"audience": "test_index"}))
    index.answer("/team/mint-token", make.Answer(body={"token": make.TOKEN}))
    index.answer("/team/burn-token", make.Answer(status=202, body={}))
    ran = run("mint", "--index", f"{index.url}/team/legacy/", "--", sys.executable, "-c", "")
    assert ran.code == 0, ran.err
    assert [path for path in index.paths() if path != AUDIENCE] == [
        "/team/who", "/team/mint-token", "/team/burn-token",
    ]  # fmt: skip
    assert index.looked_up[0].query == {"discover": ["/team/legacy/"]}


EVIL = (
    "::error::x \r\n::set-output name=a::b\n##[group]x ##vso[task.setvariable variable=a]b \x1b[2J\x1b]0;t\x07 \u202ea "
    "[click](https://evil.example) ![x](https://evil.example/a.png) <img src=x> <script>alert(1)</script> <a href=x>"
)
DIALECTS: dict[str, tuple[Any, str | None]] = {
    "PyPI": ({"message": EVIL, "errors": [{"code": EVIL, "description": EVIL}]}, None),
    "RFC 9457": ({"type": EVIL, "title": EVIL, "status": 422, "detail": EVIL}, None),
    "RFC 9457 with fields": (
        {"detail": EVIL, "mismatches": [{"field": EVIL, "given": EVIL, "wanted": EVIL}]}, None,
    ),
    "HTML": (f"<!doctype html><title>x</title><body><h1>No</h1>{EVIL}".encode(), None),
    "text": (EVIL.encode(), None),
    "a reason phrase": (b"", "No ::error::x ##vso[task.complete result=Failed] \x1b[2J [a](https://evil.example)"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize(("path", "status"), [(DISCOVERY, 422), (AUDIENCE, 422), (MINT, 422), (MINT, 503)])
def test_a_refusal_commands_nothing_in_any_dialect(
    run: Any, index: Any, make: Any, path: str, body: Any, reason: str | None, status: int
) -> None:
    refused = make.Answer(status=status, body=body, reason=reason, headers={"Retry-After": "0"})
    index.answer(path, refused)
    if path == DISCOVERY and isinstance(body, bytes) and status != 503:
        index.answer(AUDIENCE, refused)  # without JSON, PyPI's addresses are tried
    ran = run("mint", "--print", "--index", index.url)
    assert ran.code in (1, 4)
    assert ran.out == ""
    harmless(ran)


def test_no_command_is_started_for_an_index_that_asks_for_too_much(
    run: Any, index: Any, runner: Any, make: Any, tmp_path: Path
) -> None:
    index.answer(AUDIENCE, make.Answer(body={"audience": "pypi"}))
    ran = run("mint", "--index", index.url, "--", sys.executable, "-c", "open('started', 'w')")
    nothing_happened(ran, index, runner, make, 1)
    assert not (tmp_path / "started").exists()
