# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish`` and ``trustpub mint`` as programs, in a job of GitHub Actions, against an index over TLS."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

AUDIENCE, MINT, BURN, UPLOAD = "/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token", "/legacy/"


def parts(asked: Any) -> list[tuple[str, Message]]:
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + asked.body)
    return [
        (str(one.get_param("name", header="content-disposition")), one)
        for one in message.walk()
        if not one.is_multipart()
    ]


def exchange(index: Any) -> list[str]:
    """What was asked for, but for the pages of what is there already, which are read beside."""
    return [path for path in index.paths() if not path.startswith("/simple/")]


def nothing_leaked(ran: Any, make: Any, *more: str) -> None:
    for secret in (make.TOKEN, make.REQUEST_TOKEN, make.jwt("test_index"), *more):
        assert secret not in ran.shown
        assert base64.b64encode(secret.encode()).decode() not in ran.shown
    assert "Traceback" not in ran.shown


def test_a_release_goes_up_wheels_first_and_the_token_is_given_back(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    make.wheel(dist, "another")
    (dist / "hello-1.0.tar.gz.publish.attestation").write_text("{}")
    ran = run("publish", "--index", index.url)
    assert ran.code == 0, ran.err
    assert exchange(index) == [AUDIENCE, MINT, UPLOAD, UPLOAD, UPLOAD, BURN]
    sent = [str(dict(parts(one))["content"].get_filename()) for one in index.asked if one.path == UPLOAD]
    assert sorted(sent) == ["another-1.0-py3-none-any.whl", "hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"]
    made = [one for one in sent if one.startswith("hello")]
    assert made == ["hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"], "what makes a release goes up alone"
    assert json.loads(index.asked[-1].body) == {"token": make.TOKEN}
    assert "hello-1.0.tar.gz.publish.attestation is not sent: it does not fit" in ran.err
    lines = [line for line in ran.out.splitlines() if not line.startswith("::")]
    assert len(lines) == 9
    nothing_leaked(ran, make)
    assert not any(one in ran.out + ran.err for one in ("\x1b", "\r"))


def test_secrets_are_masked_before_anything_else_is_said_of_them(run: Any, index: Any, dist: Path, make: Any) -> None:
    lines = run("publish", "--index", index.url, "--quiet").out.splitlines()
    assert lines == [f"::add-mask::{make.jwt('test_index')}", f"::add-mask::{make.TOKEN}"]


def test_the_form_has_digests_and_all_metadata_and_the_file_as_it_is(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    path = make.wheel(dist, "big", padding=3_000_000)
    assert run("publish", str(path), "--index", index.url).code == 0
    (asked,) = [one for one in index.asked if one.path == UPLOAD]
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(f"__token__:{make.TOKEN}".encode()).decode()
    assert "transfer-encoding" not in asked.headers
    form = parts(asked)
    texts = [(name, str(one.get_payload(decode=True), "utf-8")) for name, one in form if name != "content"]  # type: ignore[arg-type]
    assert ("sha256_digest", hashlib.sha256(path.read_bytes()).hexdigest()) in texts
    assert ("blake2_256_digest", hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()) in texts
    assert {
        (":action", "file_upload"),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("summary", "Says hello — politely"),
        ("requires_dist", "click>=8"),
        ("provides_extra", "fast"),
        ("project_urls", "Source, https://example.org/hello"),
        ("classifiers", "Programming Language :: Python :: 3"),
        ("classifiers", "Operating System :: OS Independent"),
    } <= set(texts)
    assert dict(texts)["description"].strip() == "Hello.\n\n  It is indented."
    assert asked.body.count(path.read_bytes()) == 1


def test_json_says_what_happened_and_nothing_else(run: Any, index: Any, dist: Path) -> None:
    ran = run("publish", "--json", "--index", index.url)
    told = json.loads(ran.out)
    assert told["exit_code"] == 0
    assert told["index"] == f"{index.url}/legacy/"
    assert [one["filename"] for one in told["uploaded"]] == ["hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"]
    failed = json.loads(run("publish", "--json", "--index", index.url, "missing.whl").out)
    assert (failed["exit_code"], failed["error"]["kind"], failed["uploaded"]) == (2, "Misuse", [])


def refusals(make: Any) -> dict[str, Any]:
    hostile = "no \x1b[2Jsuch\r\n::set-output name=x::y"
    return {
        "pypi": make.Answer(
            status=422,
            body={"message": "Token request failed", "errors": [{"code": "invalid-publisher", "description": hostile}]},
        ),
        "problem": make.Answer(
            status=422,
            body={
                "title": "No",
                "status": 422,
                "detail": hostile,
                "mismatches": [{"field": "environment", "given": "release", "wanted": "prod\x07"}],
            },
            headers={"Content-Type": "application/problem+json"},
        ),
        "html": make.Answer(
            status=403,
            body=f"<!doctype html><title>403</title><script>evil()</script><p>{hostile}</p>".encode(),
            headers={"Content-Type": "text/html"},
        ),
        "phrase": make.Answer(status=400, reason="no such thing", body=b"<html>400</html>"),
        "nothing": make.Answer(status=403),
    }


@pytest.mark.parametrize("dialect", ["pypi", "problem", "html", "phrase", "nothing"])
def test_a_refused_mint_is_told_in_every_dialect_beside_what_the_identity_says(
    run: Any, index: Any, dist: Path, make: Any, dialect: str
) -> None:
    index.answer(MINT, refusals(make)[dialect])
    ran = run("publish", "--index", index.url)
    assert ran.code == 1
    assert "gives no token" in ran.err
    expected = {"phrase": "no such thing", "nothing": "No reason is given."}.get(
        dialect, "no \\x1b[2Jsuch : :set-output"
    )
    assert expected in ran.err
    for claim in ("repository: octo/hello", "repository_owner_id: 65", "environment: release", "ref: refs/tags/v1"):
        assert claim in ran.err
    assert "evil" not in ran.err
    assert not any(one in ran.err for one in ("\x1b", "\x07"))
    assert not [line for line in ran.err.splitlines() if line.lstrip().startswith("::")]
    if dialect == "problem":
        assert "environment: the identity says release, the publisher wants prod\\x07" in ran.err
    assert exchange(index) == [AUDIENCE, MINT], "nothing is uploaded, and there is nothing to give back"
    nothing_leaked(ran, make)


@pytest.mark.parametrize("audience", ["pypi", "testpypi", "sigstore", "sts.amazonaws.com"])
def test_for_somebody_elses_audience_no_identity_is_even_asked(
    run: Any, index: Any, runner: Any, dist: Path, make: Any, audience: str
) -> None:
    index.answer(AUDIENCE, make.Answer(body={"audience": audience}))
    ran = run("publish", "--index", index.url)
    assert ran.code == 1
    assert "belongs to somebody else" in ran.err
    assert runner.asked == []
    assert exchange(index) == [AUDIENCE]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 405},
        {"status": 406},
        {"body": b"<html>"},
        {"body": {"message": "x"}},
        {"status": 403, "body": {"message": "Trusted Publishing is off"}},
    ],
)
def test_an_index_without_trusted_publishing_is_named_so(
    run: Any, index: Any, runner: Any, dist: Path, make: Any, answer: dict[str, Any]
) -> None:
    index.answer(AUDIENCE, make.Answer(**answer))
    ran = run("publish", "--index", index.url)
    assert ran.code == 4
    assert re.search("without Trusted Publishing|offers no Trusted Publishing", ran.err)
    assert runner.asked == []


def test_without_an_identity_nothing_is_asked_of_the_index(run: Any, index: Any, dist: Path) -> None:
    for more in ({"GITHUB_ACTIONS": None}, {"ACTIONS_ID_TOKEN_REQUEST_URL": None}):
        ran = run("publish", "--index", index.url, **more)
        assert ran.code == 3
        assert "id-token: write" in ran.err
    assert index.asked == []


def test_an_index_that_is_down_or_untrusted_is_unreachable(run: Any, index: Any, dist: Path) -> None:
    ran = run("publish", "--index", index.url, SSL_CERT_FILE=None)
    assert ran.code == 4
    assert "is not trusted" in ran.err
    assert "--ca" in ran.err


def test_ca_goes_before_the_environment(run: Any, index: Any, dist: Path, certificates: Path) -> None:
    assert run("publish", "--index", index.url, "--ca", str(certificates / "ca.pem"), SSL_CERT_FILE=None).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing/*"], "nothing/* names no file"),
        (["dist"], "dist is a folder"),
        (["notes.txt"], "notes.txt is not a distribution"),
        (["broken-1.0-py3-none-any.whl"], "broken-1.0-py3-none-any.whl is not a distribution"),
        (["dist/*", "notes.txt"], "notes.txt is not a distribution"),
        (["dist/*.whl", "copy/*.whl"], "another file of this name"),
        (["lying-1.0-py3-none-any.whl"], "lying-1.0-py3-none-any.whl"),
    ],
)
def test_what_is_no_distribution_is_named_before_anything_is_asked(
    run: Any, index: Any, runner: Any, dist: Path, make: Any, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "broken-1.0-py3-none-any.whl").write_bytes(b"PK no zip")
    make.wheel(dist).rename(tmp_path / "lying-1.0-py3-none-any.whl")
    make.wheel(dist)
    (tmp_path / "copy").mkdir()
    make.wheel(tmp_path / "copy")
    ran = run("publish", "--index", index.url, *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert index.asked == runner.asked == []


def test_without_dist_there_is_nothing_to_publish(run: Any, index: Any) -> None:
    ran = run("publish", "--index", index.url)
    assert ran.code == 2
    assert "dist/* names no file" in ran.err
    assert "Build the project first" in ran.err


def test_a_refused_first_file_is_a_refusal_and_the_token_is_given_back(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    index.answer(UPLOAD, make.Answer(status=400, reason="File already exists", body=b"<html>400</html>"))
    ran = run("publish", "--index", index.url)
    assert ran.code == 1
    assert "File already exists" in ran.err
    assert exchange(index) == [AUDIENCE, MINT, UPLOAD, BURN]
    nothing_leaked(ran, make)


def test_a_refused_second_file_leaves_it_partly_published(run: Any, index: Any, dist: Path, make: Any) -> None:
    make.sdist(dist, "later")
    index.answer(UPLOAD, make.Answer(), make.Answer(status=400, body={"message": "too large"}))
    ran = run("publish", "--index", index.url, "--json", "--jobs", "1")
    assert ran.code == 5
    up, down = ran.err.split("Not on the index:")
    assert "hello-1.0-py3-none-any.whl" in up.split("On the index:")[1]
    assert "too large" in up
    assert "hello-1.0.tar.gz" in down
    assert "later-1.0.tar.gz" in down
    told = json.loads(ran.out)
    assert (told["exit_code"], len(told["uploaded"]), told["error"]["kind"]) == (5, 1, "PartlyPublished")
    assert index.paths()[-2:] == [UPLOAD, BURN]


def test_an_upload_that_breaks_is_sent_again_whole(run: Any, index: Any, dist: Path, make: Any) -> None:
    index.answer(UPLOAD, make.Answer(status=503, headers={"Retry-After": "0"}), make.Answer())
    assert run("publish", "--index", index.url, "dist/*.whl").code == 0
    first, second = (parts(one) for one in index.asked if one.path == UPLOAD)
    assert [(name, one.get_payload()) for name, one in first] == [(name, one.get_payload()) for name, one in second]


def test_an_index_that_stays_down_is_unreachable_and_the_token_is_given_back(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    index.answer(UPLOAD, make.Answer(status=503, headers={"Retry-After": "0"}))
    ran = run("publish", "--index", index.url)
    assert ran.code == 4
    assert index.paths()[-1] == BURN


def test_a_redirected_upload_takes_no_token_anywhere(run: Any, index: Any, plain: Any, dist: Path, make: Any) -> None:
    index.answer(UPLOAD, make.Answer(status=308, headers={"Location": f"{plain.url}/legacy/"}))
    ran = run("publish", "--index", index.url)
    assert ran.code == 4
    assert "redirect (308)" in ran.err
    assert plain.asked == []
    assert index.paths()[-1] == BURN


@pytest.mark.parametrize("status", [404, 403])
def test_a_token_that_is_not_taken_back_is_a_warning_only(
    run: Any, index: Any, dist: Path, make: Any, status: int
) -> None:
    index.answer(BURN, make.Answer(status=status))
    ran = run("publish", "--index", index.url)
    assert ran.code == 0
    assert "warning:" in ran.err
    assert "until it expires" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_release_gives_the_token_back(
    index: Any, dist: Path, make: Any, env: dict[str, str], tmp_path: Path, number: int, code: int
) -> None:
    def slow(asked: Any) -> Any:
        time.sleep(3)
        return make.Answer()

    index.answer(UPLOAD, slow)
    program = [sys.executable, "-m", "trustpub", "publish", "--index", index.url]
    with subprocess.Popen(
        program, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as running:
        for _ in range(1000):
            if UPLOAD in index.paths():
                break
            time.sleep(0.01)
        running.send_signal(number)
        _, err = running.communicate(timeout=20)
    assert running.returncode == code
    assert "Traceback" not in err
    assert index.paths()[-1] == BURN


@pytest.mark.parametrize("token", [f"pypi-x\n::add-mask::{'y' * 9}", "pypi-x y", "pypi-ü", "", None, "x" * 20000])
def test_a_token_that_could_be_read_as_two_lines_is_not_used(
    run: Any, index: Any, dist: Path, make: Any, token: str | None, tmp_path: Path
) -> None:
    index.answer(MINT, make.Answer(body={"token": token}))
    ran = run("mint", "--export", "github", "--index", index.url)
    assert ran.code == 4
    assert not (tmp_path / "output").exists()
    nothing_leaked(ran, make, *([token] if token else []))


def test_mint_prints_the_token_alone_and_masks_it_first(run: Any, index: Any, make: Any) -> None:
    ran = run("mint", "--print", "--index", index.url)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    masks = [line for line in ran.err.splitlines() if line.startswith("::add-mask::")]
    assert masks == [f"::add-mask::{make.jwt('test_index')}", f"::add-mask::{make.TOKEN}"]
    assert exchange(index) == [AUDIENCE, MINT], "whoever uses the token gives it back"


def test_mint_appends_to_the_outputs_of_the_step(run: Any, index: Any, make: Any, tmp_path: Path) -> None:
    (tmp_path / "output").write_text("before=1")
    ran = run("mint", "--export", "github", "--index", index.url)
    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "output").read_text() == f"before=1\napi-token={make.TOKEN}\n"
    nothing_leaked(ran, make)


def test_mint_gives_back_a_token_it_cannot_deliver(run: Any, index: Any, tmp_path: Path) -> None:
    assert run("mint", "--export", "github", "--index", index.url, GITHUB_OUTPUT=None).code == 2
    assert index.asked == []
    ran = run("mint", "--export", "github", "--index", index.url, GITHUB_OUTPUT=str(tmp_path))
    assert ran.code == 2
    assert index.paths()[-1] == BURN


def test_the_plain_http_index_of_this_machine_will_do(run: Any, plain: Any, dist: Path, make: Any) -> None:
    plain.answer(AUDIENCE, make.Answer(body={"audience": "here"}))
    plain.answer(MINT, make.Answer(body={"token": make.TOKEN}))
    plain.answer(UPLOAD, make.Answer())
    plain.answer(BURN, make.Answer(status=202))
    assert run("publish", "--index", plain.url).code == 0
