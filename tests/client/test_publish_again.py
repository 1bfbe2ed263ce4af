# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish`` where something is on the index already, where it fails, and how it tells of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

UPLOAD, BURN, MINT = "/legacy/", "/_/oidc/burn-token", "/_/oidc/mint-token"
SIMPLE = {"Content-Type": "application/vnd.pypi.simple.v1+json"}


def sent(index: Any) -> list[str]:
    found = [re.search(rb'filename="([^"]+)"', one.body) for one in index.asked if one.path == UPLOAD]
    return sorted(one[1].decode() for one in found if one)


def fields(asked: Any) -> dict[str, str]:
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    return {
        str(one.get_param("name", header="content-disposition")): str(one.get_payload())
        for one in message_from_bytes(head + asked.body).walk()
        if not one.is_multipart()
    }


def page(make: Any, files: dict[str, str | None]) -> Any:
    listed = [{"filename": name, "hashes": {"sha256": digest} if digest else {}} for name, digest in files.items()]
    return make.Answer(body={"files": listed}, headers=SIMPLE)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_there_already_is_not_sent_and_a_whole_release_that_is_there_needs_no_token(
    run: Any, index: Any, runner: Any, dist: Path, make: Any
) -> None:
    wheel, sdist = dist / "hello-1.0-py3-none-any.whl", dist / "hello-1.0.tar.gz"
    index.answer("/simple/hello/", page(make, {wheel.name: digest(wheel)}))
    ran = run("publish", "--index", index.url, "--json")
    assert (ran.code, sent(index)) == (0, [sdist.name])
    assert {row["filename"]: row["state"] for row in json.loads(ran.out)["files"]} == {
        wheel.name: "present", sdist.name: "uploaded",
    }  # fmt: skip
    index.answer("/simple/hello/", page(make, {one.name: digest(one) for one in (wheel, sdist)}))
    index.asked.clear()
    runner.asked.clear()
    ran = run("publish", "--index", index.url)
    assert ran.code == 0
    assert ran.out.count("is on the index already, the same, and is not sent") == 2
    assert runner.asked == []
    assert not {MINT, UPLOAD, BURN} & set(index.paths())


def test_other_contents_under_a_name_end_the_release_before_there_is_a_token_and_all_are_named(
    run: Any, index: Any, runner: Any, dist: Path, make: Any
) -> None:
    names = ["hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"]
    index.answer("/simple/hello/", page(make, dict.fromkeys(names, "0" * 64)))
    make.wheel(dist, "another")
    ran = run("publish", "--index", index.url)
    assert ran.code == 1
    assert all(name in ran.err for name in names)
    assert "another" not in ran.err
    assert runner.asked == []
    assert not {MINT, UPLOAD} & set(index.paths())
    ran = run("publish", "--index", index.url, "--skip-existing")
    assert ran.code == 0
    assert "left alone" in ran.err
    assert all(name in ran.err for name in names)
    assert sent(index) == ["another-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 403}, {"status": 404}, {"body": b"what?"}])
def test_an_index_that_shows_no_pages_is_published_to_all_the_same(
    run: Any, index: Any, dist: Path, make: Any, answer: dict[str, Any]
) -> None:
    index.answer("/simple/hello/", make.Answer(**answer))
    ran = run("publish", "--index", index.url)
    assert (ran.code, len(sent(index))) == (0, 2)
    assert "warning" not in ran.err


def test_after_an_answer_that_was_lost_the_index_is_asked_before_a_file_is_sent_again(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    (dist / "hello-1.0.tar.gz").unlink()
    wheel = dist / "hello-1.0-py3-none-any.whl"
    index.answer("/simple/hello/", make.Answer(status=404), page(make, {wheel.name: digest(wheel)}))
    index.answer(UPLOAD, make.Answer(status=None))
    ran = run("publish", "--index", index.url, "--json")
    assert (ran.code, sent(index)) == (0, [wheel.name])
    assert json.loads(ran.out)["files"][0]["state"] == "uploaded"


def test_who_is_told_to_come_back_later_comes_back_then_and_nothing_was_lost_so_nothing_is_asked(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    (dist / "hello-1.0.tar.gz").unlink()
    index.answer(UPLOAD, make.Answer(status=429, headers={"Retry-After": "1"}), make.Answer())
    assert run("publish", "--index", index.url).code == 0
    assert len(sent(index)) == 2
    assert index.paths().count("/simple/hello/") == 1


def test_a_file_whose_end_nobody_saw_is_said_to_be_unknown(run: Any, index: Any, dist: Path, make: Any) -> None:
    (dist / "hello-1.0.tar.gz").unlink()
    index.answer(UPLOAD, make.Answer(status=None), make.Answer(status=400, body={"message": "File already exists"}))
    index.answer("/simple/hello/", make.Answer(status=401))
    ran = run("publish", "--index", index.url, "--json")
    assert ran.code == 4
    assert json.loads(ran.out)["files"][0]["state"] == "unknown"
    assert "it may have arrived all the same" in ran.err
    assert index.paths()[-1] == BURN


def test_a_refused_mint_is_asked_for_once_however_many_files_there_are(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    for number in range(12):
        make.wheel(dist, f"other{number}")
    index.answer(MINT, make.Answer(status=422, body={"message": "no"}))
    ran = run("publish", "--index", index.url)
    assert ran.code == 1
    assert index.paths().count(MINT) == 1
    assert ran.err.count("gives no token") == 1


def test_github_is_told_in_a_summary_and_in_annotations_of_our_own_words(
    run: Any, index: Any, dist: Path, make: Any, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    ran = run("publish", "--index", index.url, GITHUB_STEP_SUMMARY=str(summary))
    assert f"::notice title=trustpub::2 files are on {index.url}." in ran.out.splitlines()
    text = summary.read_text()
    assert text.startswith(f"### Published to `{index.url}/legacy/`")
    for path in dist.iterdir():
        assert f"| `{path.name}` | {path.stat().st_size:,} | `{digest(path)}` | uploaded |" in text
    hostile = "no [link](https://evil.example) <img src=x> | `x` ::error::x %0A"
    index.answer(UPLOAD, make.Answer(status=400, body={"message": hostile}))
    ran = run("publish", "--index", index.url, GITHUB_STEP_SUMMARY=str(summary))
    (told,) = [line for line in ran.out.splitlines() if line.startswith("::error")]
    assert "evil" not in told + summary.read_text()
    assert "does not take hello-1.0-py3-none-any.whl (400). The log says more." in told
    assert "Not all published to" in summary.read_text()
    ran = run("publish", "--index", index.url, GITHUB_STEP_SUMMARY=str(tmp_path), GITHUB_ACTIONS="true")
    assert "GITHUB_STEP_SUMMARY names cannot be written" in ran.err


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("{ sdist = 1, wheels = 1 }", None),
        ('{ wheels = "1+" }', None),
        ('{ wheels = "2+" }', "wheels: there are 1, and 2 or more are expected"),
        ("{ sdist = 0 }", "sdist: there are 1, and 0 are expected"),
    ],
)
def test_the_files_are_as_many_as_the_project_expects(
    run: Any, index: Any, dist: Path, tmp_path: Path, expect: str, said: str | None
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.trustpub]\nexpect = {expect}\n")
    ran = run("publish", "--index", index.url)
    if said is None:
        assert ran.code == 0, ran.err
    else:
        assert ran.code == 2
        assert said in ran.err
        assert index.asked == []


def test_an_index_whose_tokens_are_good_for_one_file_gives_one_for_each(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    document = {
        "audience-endpoint": f"{index.url}/_/oidc/audience", "token-mint-endpoint": f"{index.url}{MINT}",
        "features": ["single-use-token"], "default-features": ["single-use-token"],
    }  # fmt: skip
    index.answer("/.well-known/pytp", make.Answer(body=document))
    given = iter(range(100))
    index.answer(MINT, lambda asked: make.Answer(body={"token": f"pypi-one-of-many-{next(given)}"}))
    ran = run("publish", "--index", index.url)
    assert ran.code == 0, ran.err
    used = [one.headers["authorization"] for one in index.asked if one.path == UPLOAD]
    assert len(set(used)) == len(used) == 2
    assert BURN not in index.paths(), "a token that is spent is not given back"
    index.asked.clear()
    index.answer(UPLOAD, make.Answer(status=400, body={"message": "no"}))
    assert run("publish", "--index", index.url).code == 1
    assert index.paths().count(BURN) == 1
    index.asked.clear()
    identity = dist.parent / "identity"
    identity.write_text(make.jwt("test_index"))
    ran = run("publish", "--index", index.url, "--identity-token", str(identity))
    assert ran.code == 1
    assert "gives tokens for one file each" in ran.err
    assert MINT not in index.paths()


def test_digests_are_printed_on_request(run: Any, index: Any, dist: Path) -> None:
    ran = run("publish", "--index", index.url, "--print-hash")
    for path in dist.iterdir():
        assert f"sha256 {digest(path)}" in ran.out
        assert f"blake2b-256 {hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()}" in ran.out


def attestation(path: Path, *, predicate: str = "https://docs.pypi.org/attestations/publish/v1") -> str:
    """One of the right shape, whose signature nobody looks at here."""
    real = Path(__file__).parents[1] / "proofs" / "real" / "sampleproject-3.0.0.tar.gz.publish.attestation"
    document = json.loads(real.read_text())
    statement = json.loads(base64.b64decode(document["envelope"]["statement"]))
    statement["subject"] = [{"name": path.name, "digest": {"sha256": digest(path)}}]
    statement["predicateType"] = predicate
    document["envelope"]["statement"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(document)


def test_attestations_beside_the_files_go_up_with_them_and_those_of_another_build_do_not(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    wheel, sdist = dist / "hello-1.0-py3-none-any.whl", dist / "hello-1.0.tar.gz"
    slsa = "https://slsa.dev/provenance/v1"
    (dist / f"{wheel.name}.publish.attestation").write_text(attestation(wheel))
    (dist / f"{wheel.name}.slsa.attestation").write_text(attestation(wheel, predicate=slsa))
    (dist / f"{sdist.name}.publish.attestation").write_text(attestation(wheel))
    (dist / "gone-1.0.tar.gz.publish.attestation").write_text("{}")
    ran = run("publish", "--index", index.url)
    assert ran.code == 0, ran.err
    assert ran.err.count("is not sent") == 2
    by_name = {fields(one)["filetype"]: fields(one) for one in index.asked if one.path == UPLOAD}
    assert len(json.loads(by_name["bdist_wheel"]["attestations"])) == 2
    assert "attestations" not in by_name["sdist"]
    index.asked.clear()
    assert run("publish", "--index", index.url, "--attestations", "off").code == 0
    assert not any("attestations" in fields(one) for one in index.asked if one.path == UPLOAD)
    index.asked.clear()
    ran = run("publish", "--index", index.url, "--attestations", "required")
    assert ran.code == 2
    assert "Nothing was published" in ran.err
    assert index.asked == []


def test_attestations_that_the_index_refuses_do_not_lose_the_release_unless_they_are_required(
    run: Any, index: Any, dist: Path, make: Any
) -> None:
    wheel = dist / "hello-1.0-py3-none-any.whl"
    (dist / f"{wheel.name}.publish.attestation").write_text(attestation(wheel))

    def picky(asked: Any) -> Any:
        if "attestations" in fields(asked):
            return make.Answer(status=400, body={"message": "Invalid attestations supplied during upload"})
        return make.Answer()

    index.answer(UPLOAD, picky)
    ran = run("publish", "--index", index.url, str(wheel))
    assert ran.code == 0, ran.err
    assert "Invalid attestations" in ran.err
    assert "It goes up without its attestations." in ran.err
    ran = run("publish", "--index", index.url, str(wheel), "--attestations", "required")
    assert ran.code == 1
    assert index.paths()[-1] == BURN


def test_a_refusal_that_repeats_the_token_does_not_show_it(run: Any, index: Any, dist: Path, make: Any) -> None:
    def telltale(asked: Any) -> Any:
        return make.Answer(
            status=403,
            reason=f"no {make.TOKEN}",
            body={"message": f"not with {make.TOKEN}, sent as {asked.headers['authorization']}"},
        )

    index.answer(UPLOAD, telltale)
    for options in ((), ("--json",)):
        ran = run("publish", "--index", index.url, *options)
        assert ran.code == 1
        assert "not with ***, sent as Basic ***" in ran.err
        assert make.TOKEN not in ran.shown
        assert base64.b64encode(f"__token__:{make.TOKEN}".encode()).decode() not in ran.shown


def test_a_number_of_jobs_that_is_none_is_said_so(run: Any, index: Any, dist: Path) -> None:
    assert run("publish", "--index", index.url, "--jobs", "0").code == 2
    assert index.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
@pytest.mark.parametrize(("more", "moving"), [({}, True), ({"TERM": "dumb"}, False), ({"CI": "true"}, False)])
def test_bars_move_on_a_terminal_and_nowhere_else(
    index: Any, dist: Path, make: Any, env: dict[str, str], tmp_path: Path, more: dict[str, str], moving: bool
) -> None:
    import pty
    import subprocess
    import time

    def slow(asked: Any) -> Any:
        time.sleep(0.5)
        return make.Answer()

    index.answer(UPLOAD, slow)
    near, far = pty.openpty()
    variables = {name: value for name, value in env.items() if name != "GITHUB_ACTIONS"} | {
        "TERM": "xterm", "NO_COLOR": "1", **more,
    }  # fmt: skip
    identity = tmp_path / "identity"
    identity.write_text(make.jwt("test_index"))
    program = [sys.executable, "-m", "trustpub", "publish", "--index", index.url, "--identity-token", str(identity)]
    with subprocess.Popen(program, env=variables, cwd=tmp_path, stdout=far, stderr=far) as running:
        os.close(far)
        shown = b""
        while True:
            try:
                piece = os.read(near, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(near)
    assert running.returncode == 0, shown
    assert (b"0 of 2 files" in shown) == moving
    assert (b"\x1b[" in shown) == moving
    assert b"m\x1b" not in shown, "no colour was asked for"
    assert b"hello-1.0.tar.gz is on the index" in shown
