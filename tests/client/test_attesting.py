# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a release is signed, and with what: the choice, without anybody who signs."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from trustpub.ci.detection import Job
from trustpub.client.attesting import (
    AUTO,
    OFF,
    PUBLIC,
    REQUIRED,
    Attesting,
    Choice,
    choose,
    private_source,
    sign,
    unknown_issuer,
)
from trustpub.client.audiences import check_audience
from trustpub.client.files import Distribution
from trustpub.client.indexes import resolve
from trustpub.errors import Declined, Misuse, NoIdentity, TrustpubError, Unreachable
from trustpub.http import Http
from trustpub.protocol.upload import Submission
from trustpub.secret import Secret

GITHUB = "https://token.actions.githubusercontent.com"
OWN = resolve("https://index.example.com")
PYPI, TESTPYPI = resolve("pypi"), resolve("testpypi")
CONFIG = "https://index.example.com/.well-known/sigstore-trust-config.json"


@pytest.mark.parametrize("mode", [AUTO, REQUIRED])
@pytest.mark.parametrize(
    ("index", "named", "given", "source"),
    [
        (PYPI, None, None, PUBLIC),
        (TESTPYPI, None, None, PUBLIC),
        (OWN, None, None, None),
        (OWN, CONFIG, None, CONFIG),
        (OWN, None, "sigstore.json", "sigstore.json"),
        (OWN, CONFIG, "sigstore.json", "sigstore.json"),
        (OWN, None, PUBLIC, PUBLIC),
        (PYPI, None, "sigstore.json", "sigstore.json"),
    ],
)
def test_nothing_goes_into_the_public_log_unless_pypi_or_a_person_wants_it(
    mode: str, index: Any, named: str | None, given: str | None, source: str | None
) -> None:
    assert choose(mode, index, named=named, given=given).source == source
    off = choose(OFF, index, named=named, given=None)
    assert off.source is None
    assert "off" in off.reason


def test_an_instance_that_an_index_names_gets_no_token_that_the_public_one_would_take() -> None:
    named = choose(AUTO, OWN, named=CONFIG, given=None)
    assert named.audience == "sigstore:index.example.com"
    for audience in ("sigstore", named.audience):
        with pytest.raises(Declined):  # nor may an index ask for one as its own
            check_audience(resolve("https://evil.example.net"), audience)
    for choice in (choose(AUTO, PYPI, named=None, given=None), choose(AUTO, OWN, named=CONFIG, given="f.json")):
        assert choice.audience == "sigstore"


def test_only_issuers_that_an_instance_knows_are_shown_to_it() -> None:
    pypi = choose(AUTO, PYPI, named=None, given=None)
    for known in (GITHUB, "https://gitlab.com", "https://accounts.google.com"):
        assert unknown_issuer(pypi, {"iss": known}) is None
    for other in ("https://gitlab.example.com", "https://oidc.circleci.com", f"{GITHUB}/", None, 1):
        assert "get no certificate" in str(unknown_issuer(pypi, {"iss": other}))
    public = choose(AUTO, OWN, named=None, given=PUBLIC)
    assert unknown_issuer(public, {"iss": "https://oidc.circleci.com"}) is None
    assert unknown_issuer(public, {"iss": "https://jenkins.example.com"}) is not None
    assert unknown_issuer(choose(AUTO, OWN, named=CONFIG, given=None), {"iss": "https://jenkins.example.com"}) is None


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({}, None),
        ({"repository_visibility": "public"}, None),
        ({"repository_visibility": "private"}, "private"),
        ({"repository_visibility": "internal"}, "internal"),
        ({"project_visibility": "private"}, "private"),
        ({"project_visibility": 3}, None),
    ],
)
def test_a_repository_that_is_not_public_is_known_by_the_identity(claims: dict[str, Any], said: str | None) -> None:
    assert private_source(claims) == said


# What follows signs with nobody's keys: what becomes of a release, whoever signs it.


def a_token(**claims: Any) -> Secret:
    parts = [json.dumps(one).encode() for one in ({"alg": "none", "kid": "1"}, {"iss": GITHUB, "sub": "x", **claims})]
    return Secret(".".join([*(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts), "c2ln"]))


@dataclass
class AJob:
    """A job whose CI says what it is told to."""

    token: Secret | TrustpubError
    name: str = "A CI"
    renews: bool = True
    fixed_audience: str | None = None
    asked: list[str] = field(default_factory=list)

    def identity_token(self, http: Http, audience: str) -> Secret:
        self.asked.append(audience)
        if isinstance(self.token, TrustpubError):
            raise self.token
        return self.token


@dataclass
class Told:
    """A watcher that remembers."""

    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    masked: list[Secret] = field(default_factory=list)

    def mask(self, secret: Secret) -> None:
        self.masked.append(secret)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@dataclass(frozen=True)
class AnInstance:
    told: str = "An instance"
    public: bool = True


@dataclass
class ASigner:
    """Signs by saying the file's name; ``down`` for what it cannot sign."""

    down: Callable[[str], TrustpubError | None] = lambda filename: None
    unknown: TrustpubError | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    signed: list[str] = field(default_factory=list)

    @property
    def instance(self) -> AnInstance:
        if self.unknown is not None:
            raise self.unknown
        return AnInstance()

    def attest(self, distribution: Distribution) -> str:
        error = self.down(distribution.filename)
        if error is not None:
            raise error
        self.signed.append(distribution.filename)
        return f"signed {distribution.filename}"


def files(count: int) -> Sequence[Distribution]:
    one = Submission(filetype="sdist", pyversion="source", fields={}, sha256="ab" * 32)
    names = [f"hello-{number}.tar.gz" for number in range(count)]
    return [Distribution(path=name, filename=name, size=1, submission=one) for name in names]


def begin(job: Job, signer: ASigner, mode: str = AUTO, index: Any = PYPI, named: str | None = None) -> tuple[Any, Told]:
    told = Told()

    def make(choice: Choice, identity: Callable[[], Secret]) -> ASigner:
        return signer

    with Http(env={}) as http:
        return Attesting(make=make, mode=mode).begin(http, index, job, told, named=named), told


def test_who_signs_is_asked_for_once_it_is_known_whom_to_ask() -> None:
    job, signer = AJob(a_token()), ASigner()
    attestor, told = begin(job, signer)
    assert attestor is signer
    assert job.asked == ["sigstore"]
    assert told.masked == [job.token]
    assert told.warnings == []


@pytest.mark.parametrize("mode", [AUTO, REQUIRED])
def test_an_index_that_names_no_instance_gets_no_identity_token_for_one(mode: str) -> None:
    job = AJob(a_token())
    if mode == REQUIRED:
        with pytest.raises(Declined, match="names no Sigstore instance"):
            begin(job, ASigner(), mode, OWN)
    else:
        attestor, told = begin(job, ASigner(), mode, OWN)
        assert (attestor, told.warnings) == (None, [])
        assert "names no Sigstore instance" in told.steps[0]
    assert job.asked == []


@pytest.mark.parametrize(
    ("job", "signer", "warned"),
    [
        (AJob(NoIdentity("The variable SIGSTORE_ID_TOKEN is not set.")), ASigner(), False),
        (AJob(a_token(), fixed_audience="api://AzureADTokenExchange"), ASigner(), False),
        (AJob(a_token(iss="https://jenkins.example.com")), ASigner(), False),
        (AJob(a_token()), ASigner(unknown=Unreachable("The TUF repository does not answer.")), True),
        (AJob(a_token()), ASigner(unknown=Misuse("It names no log.")), True),
    ],
)
def test_what_cannot_be_signed_goes_up_without_unless_it_is_required(job: AJob, signer: ASigner, warned: bool) -> None:
    attestor, told = begin(job, signer)
    assert attestor is None
    assert bool(told.warnings) is warned
    assert bool(told.steps) is not warned
    if warned:
        assert "The release goes on without attestations" in told.warnings[0]
    with pytest.raises(TrustpubError, match="Nothing was published, since attestations are required"):
        begin(job, signer, REQUIRED)


@pytest.mark.parametrize("claim", ["repository_visibility", "project_visibility"])
def test_a_private_repository_is_warned_of_before_anything_is_signed(claim: str) -> None:
    signer = ASigner()
    attestor, told = begin(AJob(a_token(**{claim: "private"})), signer)
    assert attestor is signer
    assert signer.signed == []
    (warning,) = told.warnings
    assert "The repository is private" in warning
    assert "--attestations off" in warning


def test_all_files_are_signed_side_by_side_or_none_is() -> None:
    signer = ASigner()
    made = sign(signer, files(20))
    assert made == {one.filename: f"signed {one.filename}" for one in files(20)}
    assert sign(signer, []) == {}

    down = ASigner(down=lambda name: Unreachable("the log fails") if name == "hello-3.tar.gz" else None)
    with pytest.raises(Unreachable, match="the log fails"):
        sign(down, files(200))
    assert len(down.signed) < 200  # nobody begins another once it is known

    first = ASigner(down=lambda name: Unreachable("no certificate"))
    with pytest.raises(Unreachable, match="no certificate"):
        sign(first, files(20))
    assert first.signed == []
