# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing files as a job, with a real Sigstore on this machine: what is made, and what is said where nothing is."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sigstore._store as sigstore_store

from trustpub.errors import Declined, Misuse, NoIdentity, Unreachable
from trustpub.http import Http
from trustpub.proofs.attestation import PUBLISH, read
from trustpub.proofs.expected import of_run
from trustpub.proofs.instance import fetch, fetch_public, read_file, read_instance
from trustpub.proofs.root import public_good, read_root
from trustpub.proofs.verify import Checker
from trustpub.rehearsal.issuers import example_job
from trustpub.rehearsal.listening import Reply
from trustpub.rehearsal.sigstore.server import CERTIFICATE_PATH, ENTRIES_PATH, LocalSigstore
from trustpub.secret import Secret

from .local import Failing, Job, Subject, fails, job_of
from .sites import site
from .tuf_site import Repository

KINDS = ("github", "gitlab", "google", "circleci", "buildkite", "forgejo", "jenkins")


@pytest.fixture
def sigstore() -> Iterator[Failing]:
    with Failing() as made:
        yield made


@pytest.fixture
def github(sigstore: Failing) -> Iterator[Job]:
    job = job_of("github", sigstore)
    with job.issuer, job.http:
        yield job


def believing(sigstore: LocalSigstore, folder: Path) -> Checker:
    path = folder / "trusted_root.json"
    path.write_text(json.dumps(sigstore.trusted_root()))
    root = read_root("local", path, dated="")
    return Checker(lambda: [root])


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_job_signs_is_its_own_by_the_words_of_its_provider(kind: str, sigstore: Failing, tmp_path: Path) -> None:
    job = job_of(kind, sigstore)
    with job.issuer, job.http:
        text = job.signer().attest(Subject())
    attestation = read(text)
    assert (attestation.predicate_type, attestation.subject) == (PUBLISH, Subject.filename)
    claims = example_job(kind).claims(job.issuer.url)
    said = {name: value for name, value in claims.items() if isinstance(value, str)}
    expected = of_run(kind, job.issuer.url, said)
    verified = believing(sigstore, tmp_path).check(attestation, expected, Subject.filename, Subject.sha256)
    assert verified.signer["issuer"] == job.issuer.url
    assert verified.signer["token_subject"] == claims["sub"]
    assert abs(verified.logged - time.time()) < 60


def test_one_certificate_is_for_all_files_however_many_threads_sign(github: Job) -> None:
    signer = github.signer()
    files = [Subject(filename=f"hello-1.{number}-py3-none-any.whl", sha256=f"{number:064x}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        made = [json.loads(text) for text in pool.map(signer.attest, files)]
    assert len({one["verification_material"]["certificate"] for one in made}) == 1
    assert len({one["verification_material"]["transparency_entries"][0]["logIndex"] for one in made}) == 24
    assert github.given == 1


def test_a_certificate_that_ends_is_replaced_with_a_fresh_identity(github: Job) -> None:
    late = [0.0]
    signer = github.signer(clock=lambda: time.time() + late[0])
    first = json.loads(signer.attest(Subject()))
    late[0] = 530.0  # of 600 seconds
    assert (
        json.loads(signer.attest(Subject()))["verification_material"]["certificate"]
        == (first["verification_material"]["certificate"])
    )
    late[0] = 545.0
    assert (
        json.loads(signer.attest(Subject()))["verification_material"]["certificate"]
        != (first["verification_material"]["certificate"])
    )
    assert github.given == 2


def test_nothing_is_asked_before_the_first_file(sigstore: Failing, github: Job) -> None:
    def never() -> Any:
        raise AssertionError

    github.signer(trust_config=never)
    assert sigstore.asked == []
    assert github.given == 0


def test_the_identity_goes_to_the_authority_and_nowhere_else(sigstore: Failing, github: Job) -> None:
    github.signer().attest(Subject())
    bearers = [one.path for one in sigstore.asked if "authorization" in one.headers]
    assert bearers == [CERTIFICATE_PATH]


@pytest.mark.parametrize(
    ("path", "status", "error", "words"),
    [
        (CERTIFICATE_PATH, 500, Unreachable, "certificate authority of .* fails .500.: it is down"),
        (CERTIFICATE_PATH, 503, Unreachable, "certificate authority"),
        (CERTIFICATE_PATH, 400, Declined, "certificate authority of .* refuses .400.: it is down"),
        (CERTIFICATE_PATH, 403, Declined, "refuses"),
        (ENTRIES_PATH, 500, Unreachable, "transparency log of .* fails .500.: it is down"),
        (ENTRIES_PATH, 429, Unreachable, "transparency log"),
        (ENTRIES_PATH, 400, Declined, "transparency log of .* refuses"),
    ],
)
def test_an_outage_is_a_sentence(
    path: str, status: int, error: type[Exception], words: str, sigstore: Failing, github: Job
) -> None:
    sigstore.instead[path] = [fails(status)]
    with pytest.raises(error, match=words) as refused:
        github.signer().attest(Subject())
    assert github.issuer.url not in str(refused.value)
    assert "eyJ" not in str(refused.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"signedCertificateEmbeddedSct": 3}', b'{"x": {}}', b"[" * 9999]
)
@pytest.mark.parametrize("path", [CERTIFICATE_PATH, ENTRIES_PATH])
def test_an_answer_that_is_none_is_said_to_be_none(path: str, body: bytes, sigstore: Failing, github: Job) -> None:
    sigstore.instead[path] = [Reply(status=201, body=body)]
    with pytest.raises(Unreachable, match="answers with something that is no"):
        github.signer().attest(Subject())


def test_a_message_from_outside_stays_in_its_line(sigstore: Failing, github: Job) -> None:
    sigstore.instead[CERTIFICATE_PATH] = [fails(400, "no\n::error::gotcha\x1b[31m" + "x" * 1000)]
    with pytest.raises(Declined) as refused:
        github.signer().attest(Subject())
    assert "\n" not in refused.value.message
    assert "\x1b" not in refused.value.message
    assert len(refused.value.message) < 600


def test_a_passing_failure_is_met_once_more(sigstore: Failing, github: Job) -> None:
    sigstore.instead[CERTIFICATE_PATH] = [fails(503), None]
    sigstore.instead[ENTRIES_PATH] = [fails(502), fails(429), None]
    read(github.signer().attest(Subject()))


def test_an_entry_whose_answer_was_lost_is_fetched_and_not_made_twice(sigstore: Failing, github: Job) -> None:
    # The log took it in and the way back broke: the second attempt is told that it is there.
    sigstore.instead[ENTRIES_PATH] = [fails(502), None]
    read(github.signer().attest(Subject()))
    assert [one.method for one in sigstore.asked if one.path.startswith(ENTRIES_PATH)] == ["POST", "POST", "GET"]
    sigstore.instead[ENTRIES_PATH] = [Reply(status=409, body=b"{}", headers={"Location": "/x/../secret"})]
    with pytest.raises(Unreachable, match="place of the log entry"):
        github.signer().attest(Subject())


def test_once_there_is_no_certificate_nobody_asks_again(sigstore: Failing, github: Job) -> None:
    sigstore.instead[CERTIFICATE_PATH] = [fails(400, "who are you")]
    signer = github.signer()
    for _ in range(3):
        with pytest.raises(Declined, match="who are you"):
            signer.attest(Subject())
    assert [one.path for one in sigstore.asked] == [CERTIFICATE_PATH]
    with pytest.raises(Declined):
        _ = signer.instance


@pytest.mark.parametrize("audience", ["pypi", "sigstore2", "Sigstore"])
def test_an_identity_for_another_audience_gets_no_certificate(audience: str, github: Job) -> None:
    github.audience = audience
    with pytest.raises(Declined, match="another audience") as refused:
        github.signer().attest(Subject())
    assert refused.value.hint is not None
    assert "audience" in refused.value.hint


def test_an_issuer_that_is_not_believed_gets_no_certificate(sigstore: Failing, github: Job) -> None:
    other = job_of("gitlab", LocalSigstore())
    with other.issuer, other.sigstore, other.http:
        other.sigstore = sigstore
        with pytest.raises(Declined, match="not believed"):
            other.signer().attest(Subject())


def test_no_token_and_none_that_can_be_read_are_said(github: Job) -> None:
    signer = github.signer()
    github.identity = lambda: Secret("not a token")  # type: ignore[method-assign]
    with pytest.raises(NoIdentity, match="not a JSON Web Token"):
        github.signer().attest(Subject())
    signer.attest(Subject())  # the one made before has the real one


def test_what_does_not_hold_by_the_instances_own_root_never_leaves(github: Job) -> None:
    with LocalSigstore() as impostor:
        root = impostor.trusted_root()
        config = github.config(trustedRoot=root)
        signer = github.signer(lambda: read_instance(config, "the configuration", now=time.time()))
        with pytest.raises(Declined, match="does not hold"):
            signer.attest(Subject())


def test_an_unreachable_instance_is_said_with_what_was_asked() -> None:
    with LocalSigstore() as gone:
        job = job_of("github", gone)
        config = job.config()
    signer = job.signer(lambda: read_instance(config, "the configuration", now=time.time()))
    with (
        job.issuer,
        job.http,
        pytest.raises(Unreachable, match="certificate authority of the configuration cannot be asked"),
    ):
        signer.attest(Subject())


def changed(config: bytes, name: str, **changes: Any) -> bytes:
    value = json.loads(config)
    for one in value["signingConfig"][name]:
        one |= changes
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda config: b"", "not a trust configuration"),
        (lambda config: b"[]", "not a trust configuration"),
        (lambda config: b"[" * 100_000, "not a trust configuration"),
        (lambda config: json.dumps(json.loads(config)["trustedRoot"]).encode(), "not a trust configuration"),
        (lambda config: config + b" " * 600_000, "not a trust configuration"),
        (lambda config: changed(config, "rekorTlogUrls", majorApiVersion=2), "no transparency log of Rekor version 1"),
        (
            lambda config: changed(config, "rekorTlogUrls", validFor={"start": "2099-01-01T00:00:00Z"}),
            "no transparency",
        ),
        (lambda config: changed(config, "rekorTlogUrls", validFor=None), "no transparency"),
        (
            lambda config: changed(
                config, "caUrls", validFor={"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
            ),
            "no certificate authority",
        ),
        (lambda config: changed(config, "caUrls", majorApiVersion=3), "no certificate authority"),
        (lambda config: changed(config, "caUrls", url=3), "no certificate authority"),
        (lambda config: changed(config, "caUrls", url="http://fulcio.example.com"), "certificate authority that"),
        (lambda config: changed(config, "rekorTlogUrls", url="file:///etc/passwd"), "does not start with https"),
    ],
)
def test_a_configuration_that_is_no_good_is_said_to_be_so(make: Any, words: str, github: Job, tmp_path: Path) -> None:
    content = make(github.config())
    with pytest.raises(Misuse, match=words):
        read_instance(content, "the configuration", now=time.time())
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=words):
        read_file(str(path), now=time.time())


def test_of_two_logs_the_one_of_version_1_is_taken(github: Job) -> None:
    value = json.loads(github.config())
    newer = {**value["signingConfig"]["rekorTlogUrls"][0], "majorApiVersion": 2, "url": "https://log2026.example.com"}
    value["signingConfig"]["rekorTlogUrls"].insert(0, newer)
    found = read_instance(json.dumps(value).encode(), "the configuration", now=time.time())
    assert found.rekor == github.sigstore.url
    assert not found.public


def test_a_configuration_with_the_public_log_is_known_to_be_public(github: Job) -> None:
    config = github.config(trustedRoot=json.loads(public_good().path.read_bytes()))
    assert read_instance(config, "the configuration", now=time.time()).public


def test_the_configuration_that_an_index_names_is_fetched_from_there(github: Job) -> None:
    with site() as index, Http(env={}, sleep=lambda seconds: None) as http:
        index.pages["/config.json"] = ("application/json", github.config())
        assert fetch(http, f"{index.url}/config.json", now=time.time()).fulcio == github.sigstore.url
        with pytest.raises(Unreachable, match="it answers 404"):
            fetch(http, f"{index.url}/nothing.json", now=time.time())


def test_the_public_instance_is_asked_for_over_tuf_and_its_outage_said() -> None:
    # Nobody listens where the proxy should be: not a packet leaves this machine.
    env = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    with (
        Http(env=env, sleep=lambda seconds: None) as http,
        pytest.raises(Unreachable, match="tuf-repo-cdn.sigstore.dev"),
    ):
        fetch_public(http, now=time.time())


def test_the_public_instance_is_what_its_repository_says_now(github: Job) -> None:
    store = Path(sigstore_store.__file__).parent / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    trusted, signing = (store / name for name in ("trusted_root.json", "signing_config.v0.2.json"))
    with site() as made, Http(env={}, sleep=lambda seconds: None) as http:
        tuf = Repository(made)
        tuf.publish(trusted.read_bytes(), 1, more={"signing_config.v0.2.json": signing.read_bytes()})
        found = fetch_public(http, now=time.time(), url=f"{made.url}/tuf", first=tuf.first)
        assert (found.fulcio, found.rekor) == ("https://fulcio.sigstore.dev", "https://rekor.sigstore.dev")
        assert found.public
        tuf.publish(trusted.read_bytes(), 2)
        with pytest.raises(Declined, match=r"signing_config\.v0\.2\.json"):
            fetch_public(http, now=time.time(), url=f"{made.url}/tuf", first=tuf.first)
        with pytest.raises(Declined, match="does not hold"):  # the shipped beginning is of another repository
            fetch_public(http, now=time.time(), url=f"{made.url}/tuf")


def test_a_file_that_was_not_read_is_not_signed(github: Job) -> None:
    with pytest.raises(ValueError, match="not read yet"):
        github.signer().attest(Subject(sha256=None))  # type: ignore[arg-type]


def test_the_statement_is_what_pypi_wants(github: Job) -> None:
    value = json.loads(github.signer().attest(Subject()))
    statement = json.loads(base64.b64decode(value["envelope"]["statement"]))
    assert statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": Subject.filename, "digest": {"sha256": Subject.sha256}}],
        "predicateType": "https://docs.pypi.org/attestations/publish/v1",
        "predicate": None,
    }
    (entry,) = value["verification_material"]["transparency_entries"]
    assert entry["kindVersion"] == {"kind": "dsse", "version": "0.0.1"}
