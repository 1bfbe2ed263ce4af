# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations at an index: from the upload's form to the provenance that is served, and what a project demands."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypi_attestations
import pytest
from starlette.testclient import TestClient

from trustpub.index.attested import Attested
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import File, Issuer, Project, Provenance, Token, User
from trustpub.index.manage.projects import Chosen
from trustpub.proofs import verify
from trustpub.proofs.attestation import SLSA
from trustpub.proofs.root import PUBLIC_GOOD
from trustpub.proofs.verify import Checker
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Expiry, ProjectIds, PublisherId, values, write
from trustpub.trust.publishers import Link, Publisher

from .conftest import GITHUB_SAMPLE, SLSA_SAMPLE
from .dists import multipart, wheel
from .signing import Sigstore
from .test_signed_here import HOSTS, RUN, github

NOW = 1_790_000_000.5
ISSUER = "https://token.actions.githubusercontent.com"
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class World:
    """An index with a project, a publisher, and a Sigstore that it believes."""

    folder: Folder
    client: TestClient
    sigstore: Sigstore

    def project(self, name: str = "hello", policy: str = "optional") -> Project:
        with self.folder.store.write() as writing:
            found = writing.project(name)
            if found is None:
                found = Project(
                    id=str(uuid.uuid4()), name=name, normalized=name, created=0, pending_until=None, serial=1
                )
                writing.add_project(found)
            writing.set_policy(found.id, trusted_only=False, attestations=policy)
        return found

    def token(
        self, issuer: str = ISSUER, kind: str = "github", claims: Mapping[str, str] = RUN, name: str = "hello"
    ) -> Secret:
        """As a mint for this run would give it."""
        project = self.project(name, self._policy(name) or "optional")
        publisher = Publisher(
            id=str(uuid.uuid4()), issuer=issuer, kind=kind, fields={"repository": f"Acme/hello{uuid.uuid4()}"},
            links=(Link(project_id=project.id, project=project.name),),
        )  # fmt: skip
        caveats = (
            PublisherId(publisher.id),
            ProjectIds((project.id,)),
            Expiry(expires_at=math.ceil(NOW) + 900, not_before=math.floor(NOW)),
        )
        token_id, keys = str(uuid.uuid4()), self.folder.root_keys
        with self.folder.store.write() as writing:
            if writing.issuer(issuer) is None:
                writing.put_issuer(Issuer(url=issuer, kind=kind))
            writing.add_publisher(publisher)
            writing.add_token(
                Token(
                    id=token_id, key_id=keys.key_id, location="index.example", publisher_id=publisher.id,
                    user_id=None, description="", caveats=tuple(values(one) for one in caveats), scope="upload",
                    created=math.floor(NOW), expires=math.ceil(NOW) + 900, claims=claims,
                )
            )  # fmt: skip
        return macaroon.create(
            location="index.example",
            identifier=token_id,
            root_key=keys.root(token_id),
            caveats=tuple(write(one) for one in caveats),
        ).serialize()

    def _policy(self, name: str) -> str | None:
        with self.folder.store.read() as reading:
            found = reading.project(name)
        return None if found is None else found.attestations

    def user_token(self) -> Secret:
        with self.folder.store.write() as writing:
            user = User(id=str(uuid.uuid4()), name="ada", created=0)
            writing.add_user(user)
            project = writing.project("hello")
            if project is not None:
                writing.add_member(project.id, user.id)
        return self.folder.credentials.issue_user_token(user, scope="upload")[1]

    def send(self, token: Secret, attestations: str | None, version: str = "1.0") -> Any:
        filename, content = f"hello-{version}-py3-none-any.whl", wheel("hello", version)
        body, content_type = multipart(filename, content, version, attestations)
        basic = base64.b64encode(b"__token__:" + token.reveal().encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": content_type, "Accept": "application/json"}
        return self.client.post("/legacy/", content=body, headers=headers)

    def attest(self, said: Mapping[str, str], version: str = "1.0", **changes: Any) -> dict[str, Any]:
        content = wheel("hello", version)
        digest = hashlib.sha256(content).hexdigest()
        return self.sigstore.attest(said, f"hello-{version}-py3-none-any.whl", digest, **changes)

    def provenance(self, version: str = "1.0", query: str = "", **headers: str) -> Any:
        path = f"/integrity/hello/{version}/hello-{version}-py3-none-any.whl/provenance{query}"
        return self.client.get(path, headers=headers)

    def listed(self, version: str = "1.0") -> Mapping[str, Any]:
        files = self.client.get("/simple/hello/", headers={"Accept": JSON}).json()["files"]
        found: Mapping[str, Any] = next(one for one in files if one["filename"].startswith(f"hello-{version}-"))
        return found


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that nobody has used yet; to be copied."""
    path = tmp_path_factory.mktemp("bare") / "index"
    open_folder(path, create=True, public_url="https://index.example", clock=lambda: NOW).close()
    return path


@pytest.fixture
def world(tmp_path: Path, bare: Path, sigstore: Sigstore) -> Iterator[World]:
    shutil.copytree(bare, tmp_path / "index")
    with open_folder(tmp_path / "index", create=False, clock=lambda: NOW) as folder:
        # In the place of the public-good instance, which would sign for nobody here.
        folder.trust.write(PUBLIC_GOOD, json.dumps(sigstore.trusted_root()).encode())
        client = TestClient(build_app(folder, folder.settings), base_url="https://index.example")
        world = World(folder, client, sigstore)
        world.project()
        yield world


def test_an_attested_upload_is_served_with_its_provenance(world: World) -> None:
    text = json.dumps([world.attest(github())], indent=2)
    assert world.send(world.token(), text).status_code == 200
    url = world.listed()["provenance"]
    assert url == "https://index.example/integrity/hello/1.0/hello-1.0-py3-none-any.whl/provenance"
    answer = world.client.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.pypi.integrity.v1+json"
    document = answer.json()
    (bundle,) = document["attestation_bundles"]
    assert bundle["publisher"] == {
        "kind": "GitHub", "repository": "Acme/hello", "workflow": "release.yml", "environment": "pypi", "claims": {},
    }  # fmt: skip
    assert text[1:-1].strip() in answer.text  # as it came, character for character
    html = world.client.get("/simple/hello/", headers={"Accept": "text/html"}).text
    assert f'data-provenance="{url}"' in html


def test_the_library_of_pypi_reads_what_is_served(world: World) -> None:
    both = [world.attest(github()), world.attest(github(), predicateType=SLSA, predicate={"buildDefinition": {}})]
    assert world.send(world.token(), json.dumps(both)).status_code == 200
    read = pypi_attestations.Provenance.model_validate_json(world.provenance().text)
    (bundle,) = read.attestation_bundles
    assert isinstance(bundle.publisher, pypi_attestations.GitHubPublisher)
    assert (bundle.publisher.repository, bundle.publisher.workflow) == ("Acme/hello", "release.yml")
    assert len(bundle.attestations) == 2
    assert {json.loads(one.envelope.statement)["predicateType"] for one in bundle.attestations} == {
        SLSA, "https://docs.pypi.org/attestations/publish/v1",
    }  # fmt: skip


def test_everything_is_shown_to_whoever_asks_for_all(world: World) -> None:
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200
    (bundle,) = world.provenance(query="?all").json()["attestation_bundles"]
    publisher = bundle["publisher"]
    assert (publisher["kind"], publisher["issuer"]) == ("GitHub", ISSUER)
    assert publisher["claims"] == RUN
    assert publisher["signed_as"]["source_repository_id"] == "22"
    assert list(publisher["root"]) == ["public-good"]


@pytest.mark.parametrize("issuer", [one for one in HOSTS if one != ISSUER])
def test_a_publisher_that_readers_would_take_for_another_is_shown_only_with_all(world: World, issuer: str) -> None:
    sent = world.send(world.token(issuer), json.dumps([world.attest(github(issuer))]))
    assert sent.status_code == 200, sent.text
    assert world.provenance().status_code == 404
    assert world.listed().get("provenance") is None
    (bundle,) = world.provenance(query="?all").json()["attestation_bundles"]
    assert (bundle["publisher"]["kind"], bundle["publisher"]["issuer"]) == ("github", issuer)


def test_what_only_a_private_root_vouches_for_is_shown_only_with_all(world: World, tmp_path: Path) -> None:
    other = Sigstore("https://private.example")
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other.trusted_root()))
    world.folder.trust.add("private", path)  # while it is served
    content = wheel("hello", "1.0")
    value = other.attest(github(), "hello-1.0-py3-none-any.whl", hashlib.sha256(content).hexdigest())
    assert world.send(world.token(), json.dumps([value])).status_code == 200
    assert world.provenance().status_code == 404
    assert "private" in world.provenance(query="?all").json()["attestation_bundles"][0]["publisher"]["root"]
    assert world.folder.trust.remove("private")
    again = other.attest(github(), "hello-2.0-py3-none-any.whl", hashlib.sha256(wheel("hello", "2.0")).hexdigest())
    refused = world.send(world.token(), json.dumps([again]), "2.0")
    assert refused.status_code == 400
    assert "no trust root here knows" in refused.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "is empty"),
        ("{}", "not a JSON array"),
        ("[", "not JSON"),
        ("[1]", "not a JSON object"),
        ("nonsense", "not a JSON array"),
        ("[{},{},{}]", "more than 2"),
        ("[" * 5000, "not JSON"),
        ("[" + " " * 200_000 + "]", "more than 2 times"),
        (json.dumps([GITHUB_SAMPLE.attestation]), "file named"),
    ],
)  # fmt: skip
def test_a_field_that_holds_no_attestation_of_the_file_ends_the_upload(world: World, text: str, why: str) -> None:
    answer = world.send(world.token(), text)
    assert answer.status_code == 400
    assert "Invalid attestations supplied during upload" in answer.text
    assert why in answer.text
    assert world.client.get("/simple/hello/", headers={"Accept": JSON}).json()["files"] == []


def test_two_of_a_type_are_one_too_many(world: World) -> None:
    answer = world.send(world.token(), json.dumps([world.attest(github())] * 2))
    assert answer.status_code == 400
    assert "more than one attestation of the type" in answer.text


def test_one_that_does_not_hold_ends_the_upload_beside_one_that_does(world: World) -> None:
    stranger = github(source_repository_id="23")
    both = [world.attest(github()), world.attest(stranger, predicateType=SLSA, predicate={})]
    answer = world.send(world.token(), json.dumps(both))
    assert answer.status_code == 400
    assert "(slsa-provenance) Its certificate names the repository's id '23'" in answer.text


def test_attestations_are_of_a_run_and_a_person_is_none(world: World) -> None:
    answer = world.send(world.user_token(), json.dumps([world.attest(github())]))
    assert answer.status_code == 400
    assert "only with a token of Trusted Publishing" in answer.text


def test_a_token_that_was_minted_before_runs_were_remembered_uploads_without(world: World) -> None:
    token = world.token(claims={})
    answer = world.send(token, json.dumps([world.attest(github())]))
    assert answer.status_code == 400
    assert "without the claim `repository`" in answer.text
    assert world.send(token, None).status_code == 200


def test_an_index_without_the_extra_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "installed", lambda: False)
    answer = world.send(world.token(), json.dumps([world.attest(github())]))
    assert answer.status_code == 400
    assert 'pip install "trustpub[attest]"' in answer.json()["detail"]
    assert world.send(world.token(), None).status_code == 200


def test_a_project_may_demand_an_attestation_of_every_file(world: World) -> None:
    world.project(policy="required")
    answer = world.send(world.token(), None)
    assert answer.status_code == 400
    assert "demands one for every file" in answer.text
    assert world.send(world.user_token(), None).status_code == 400
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200


@pytest.mark.parametrize("issuer", [ISSUER, "https://ghe.acme.example/_services/token"])
def test_once_attested_is_always_attested(world: World, issuer: str) -> None:
    world.project(policy="once")
    assert world.send(world.token(issuer), None, "0.9").status_code == 200
    assert world.send(world.token(issuer), json.dumps([world.attest(github(issuer))])).status_code == 200
    answer = world.send(world.token(issuer), None, "1.1")
    assert answer.status_code == 400
    assert "has had them before" in answer.text
    world.folder.projects.delete("hello", Chosen(everything=True))
    assert world.send(world.token(issuer), None, "1.2").status_code == 400


def test_a_file_that_was_taken_keeps_its_provenance_whatever_comes_again(world: World) -> None:
    text = json.dumps([world.attest(github())])
    assert world.send(world.token(), text).status_code == 200
    before = world.provenance().content
    assert world.send(world.token(), None).status_code == 200
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200
    assert world.provenance().content == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/integrity/Hello/1.0/hello-1.0-py3-none-any.whl/provenance", 200),
        ("/integrity/hello/1.0.0/hello-1.0-py3-none-any.whl/provenance", 200),
        ("/integrity/hello/1.1/hello-1.0-py3-none-any.whl/provenance", 404),
        ("/integrity/hello/nonsense/hello-1.0-py3-none-any.whl/provenance", 404),
        ("/integrity/other/1.0/hello-1.0-py3-none-any.whl/provenance", 404),
        ("/integrity/hello/1.0/hello-1.0.tar.gz/provenance", 404),
        ("/integrity/hello/1.0/hello-1.0-py3-none-any.whl", 404),
    ],
)
def test_a_document_is_at_one_address_however_that_is_spelled(world: World, path: str, status: int) -> None:
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200
    assert world.client.get(path).status_code == status


def test_a_document_comes_in_the_type_that_is_asked_for(world: World) -> None:
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200
    plain = world.provenance(accept="application/json")
    assert plain.headers["content-type"] == "application/json"
    assert world.provenance(accept="*/*").headers["content-type"] == "application/vnd.pypi.integrity.v1+json"
    assert world.provenance(accept="text/html").status_code == 406
    assert plain.headers["vary"] == "Accept"
    assert plain.headers["cache-control"] == "public, max-age=600"
    same = world.provenance(**{"accept": "application/json", "if-none-match": plain.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_a_file_without_an_attestation_has_no_document(world: World) -> None:
    assert world.send(world.token(), None).status_code == 200
    assert world.provenance().status_code == 404
    assert world.provenance(query="?all").status_code == 404
    assert world.listed().get("provenance") is None


def test_a_project_in_quarantine_and_a_deleted_file_show_no_document(world: World) -> None:
    assert world.send(world.token(), json.dumps([world.attest(github())])).status_code == 200
    project = world.project()
    with world.folder.store.write() as writing:
        writing.set_status(project.id, "quarantined", "looked at")
    assert world.provenance().status_code == 404
    with world.folder.store.write() as writing:
        writing.set_status(project.id, "active", "")
    assert world.provenance().status_code == 200
    with world.folder.store.write() as writing:
        writing.bury("hello-1.0-py3-none-any.whl", int(NOW))
    assert world.provenance().status_code == 404
    assert world.provenance(query="?all").status_code == 404


def test_real_attestations_become_a_document_that_the_library_of_pypi_verifies(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):  # it keeps roots there
        monkeypatch.setenv(name, str(tmp_path))
    world.folder.trust.remove(PUBLIC_GOOD)  # back to the shipped root
    sample = GITHUB_SAMPLE
    token_secret = world.token(claims=sample.claims)
    token_id = macaroon.parse(token_secret).identifier
    with world.folder.store.read() as reading:
        token = reading.token(token_id)
    assert token is not None
    file = File(
        project_id=world.project().id, filename=sample.filename, version="0.0.19", filetype="sdist", size=1,
        sha256=sample.sha256, blake2b_256="0" * 64, md5=None, metadata_sha256=None, requires_python=None,
        uploaded=NOW, token_id=token_id,
    )  # fmt: skip
    attested = Attested(store=world.folder.store, checker=Checker(world.folder.trust))
    found = attested.check([json.dumps([sample.attestation, SLSA_SAMPLE.attestation])], file, token)
    assert isinstance(found, Provenance)
    document = pypi_attestations.Provenance.model_validate_json(found.document)
    (bundle,) = document.attestation_bundles
    distribution = pypi_attestations.Distribution(name=sample.filename, digest=sample.sha256)
    types = {one.verify(bundle.publisher, distribution, offline=True)[0] for one in bundle.attestations}
    assert types == {SLSA, "https://docs.pypi.org/attestations/publish/v1"}
