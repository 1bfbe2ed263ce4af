# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The local Sigstore, used by Sigstore's own clients as they are: the library, its command, and PyPI's."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pypi_attestations
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey
from sigstore.errors import VerificationError
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from trustpub.rehearsal.issuers import emulate, example_job
from trustpub.rehearsal.sigstore import der
from trustpub.rehearsal.sigstore.der import BadDer
from trustpub.rehearsal.sigstore.server import CERTIFICATE_PATH, ENTRIES_PATH, STAMP_PATH, LocalSigstore
from trustpub.rehearsal.sigstore.tree import Tree, leaf_hash

PUBLIC_ISSUERS = {
    "github": "https://token.actions.githubusercontent.com",
    "gitlab": "https://gitlab.com",
    "google": "https://accounts.google.com",
}
Token = Callable[..., str]


class Keys:
    """Keys of the test's own, for issuers as they are called in the world: no rehearsal would sign for those."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, parameters={"kid": "1", "alg": "RS256", "use": "sig"})

    @property
    def jwks(self) -> Mapping[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def token(self, kind: str, **changes: Any) -> str:
        issuer = PUBLIC_ISSUERS[kind]
        now = int(time.time())
        claims = {**example_job(kind).claims(issuer), "iss": issuer, "aud": "sigstore", "iat": now, "exp": now + 300}
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@pytest.fixture(scope="module")
def sigstore(keys: Keys) -> Iterator[LocalSigstore]:
    with LocalSigstore() as made:
        for kind, issuer in PUBLIC_ISSUERS.items():
            made.believe(issuer, kind, keys.jwks)
        yield made


def context(sigstore: LocalSigstore, *, stamped: bool = False) -> tuple[SigningContext, Verifier]:
    config = ClientTrustConfig.from_json(json.dumps(sigstore.trust_config(stamped=stamped)))
    return SigningContext.from_trust_config(config), Verifier(trusted_root=config.trusted_root)


def identity(kind: str) -> policy.Identity:
    job, issuer = example_job(kind), PUBLIC_ISSUERS[kind]
    claims = job.claims(issuer)
    if kind == "google":
        return policy.Identity(identity=claims["email"], issuer=issuer)
    who = f"https://github.com/{claims['job_workflow_ref']}" if kind == "github" else claims["ci_config_ref_uri"]
    return policy.Identity(identity=who if "://" in who else f"https://{who}", issuer=issuer)


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("kind", PUBLIC_ISSUERS)
def test_the_library_signs_and_verifies_as_a_job_of(
    kind: str, stamped: bool, sigstore: LocalSigstore, keys: Keys
) -> None:
    signing, verifier = context(sigstore, stamped=stamped)
    with signing.signer(IdentityToken(keys.token(kind))) as signer:
        bundle = signer.sign_artifact(b"hello")
    again = Bundle.from_json(bundle.to_json())
    verifier.verify_artifact(b"hello", again, identity(kind))
    stamps = json.loads(bundle.to_json())["verificationMaterial"].get("timestampVerificationData") or {}
    assert len(stamps.get("rfc3161Timestamps") or []) == stamped
    with pytest.raises(VerificationError):
        verifier.verify_artifact(b"other", again, identity(kind))
    other = next(one for one in PUBLIC_ISSUERS if one != kind)
    with pytest.raises(VerificationError):
        verifier.verify_artifact(b"hello", again, identity(other))
    with LocalSigstore() as impostor, pytest.raises(VerificationError):
        context(impostor)[1].verify_artifact(b"hello", again, identity(kind))


def publisher(kind: str) -> Any:
    claims = example_job(kind).claims(PUBLIC_ISSUERS[kind])
    if kind == "github":
        workflow = claims["job_workflow_ref"].partition("/.github/workflows/")[2].partition("@")[0]
        return pypi_attestations.GitHubPublisher(repository=claims["repository"], workflow=workflow)
    if kind == "gitlab":
        file = claims["ci_config_ref_uri"].partition("//")[2].partition("@")[0]
        return pypi_attestations.GitLabPublisher(repository=claims["project_path"], workflow_filepath=file)
    return pypi_attestations.GooglePublisher(email=claims["email"])


@pytest.fixture
def home(sigstore: LocalSigstore, tmp_path: Path) -> dict[str, str]:
    """A home whose cache holds our root where PyPI's command looks for the public one, and no network."""
    cache = (
        tmp_path / "home" / ".cache" / "sigstore-python" / "tuf" / quote("https://tuf-repo-cdn.sigstore.dev", safe="")
    )
    cache.mkdir(parents=True)
    (cache / "trusted_root.json").write_text(json.dumps(sigstore.trusted_root()))
    (cache / "signing_config.v0.2.json").write_text(json.dumps(sigstore.trust_config()["signingConfig"]))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
    home = str(tmp_path / "home")
    return {**kept, "HOME": home, "XDG_CACHE_HOME": f"{home}/.cache", "XDG_DATA_HOME": f"{home}/.local/share"}


@pytest.mark.parametrize("kind", PUBLIC_ISSUERS)
def test_the_command_of_pypi_verifies_what_was_signed_here(
    kind: str, sigstore: LocalSigstore, keys: Keys, home: Mapping[str, str], tmp_path: Path
) -> None:
    signing, _ = context(sigstore)
    dist = tmp_path / "hello-1.0.tar.gz"
    dist.write_bytes(b"what was built")
    with signing.signer(IdentityToken(keys.token(kind))) as signer:
        made = pypi_attestations.Attestation.sign(signer, pypi_attestations.Distribution.from_file(dist))
    bundle = {"publisher": publisher(kind).model_dump(), "attestations": [json.loads(made.model_dump_json())]}
    provenance = tmp_path / "provenance.json"
    provenance.write_text(json.dumps({"version": 1, "attestation_bundles": [bundle]}))
    repository = {"github": "https://github.com", "gitlab": "https://gitlab.com"}.get(kind)

    def verify() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pypi_attestations", "verify"]
        if repository is None:  # `verify pypi` knows repositories only
            beside = tmp_path / f"{dist.name}.publish.attestation"
            beside.write_text(made.model_dump_json())
            who = example_job(kind).claims(PUBLIC_ISSUERS[kind])["email"]
            command += ["attestation", "--offline", "--identity", who, str(dist)]
        else:
            url = f"{repository}/{bundle['publisher']['repository']}"
            command += ["pypi", "--offline", "--repository", url, "--provenance-file", str(provenance), str(dist)]
        return subprocess.run(command, env=dict(home), capture_output=True, text=True, timeout=60, check=False)

    done = verify()
    said = done.stdout + done.stderr
    assert (done.returncode, "OK: " in said, dist.name in said) == (0, True, True), said
    dist.write_bytes(b"something else")
    assert verify().returncode != 0


def test_the_command_of_sigstore_signs_and_verifies(
    sigstore: LocalSigstore, keys: Keys, tmp_path: Path, home: Mapping[str, str]
) -> None:
    artifact, config, bundle = tmp_path / "artifact", tmp_path / "config.json", tmp_path / "artifact.sigstore.json"
    artifact.write_bytes(b"hello")
    config.write_text(json.dumps(sigstore.trust_config(stamped=True)))

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "sigstore", "--trust-config", str(config), *map(str, arguments)]
        return subprocess.run(argv, env=dict(home), capture_output=True, text=True, timeout=60, check=False)

    signed = run("sign", "--identity-token", keys.token("github"), "--bundle", bundle, artifact)
    assert signed.returncode == 0, signed.stderr
    claims = example_job("github").claims(PUBLIC_ISSUERS["github"])
    who = f"https://github.com/{claims['job_workflow_ref']}"
    issuer = PUBLIC_ISSUERS["github"]
    verify = ("verify", "identity", "--cert-identity", who, "--cert-oidc-issuer", issuer, "--bundle", bundle, artifact)
    assert run(*verify).returncode == 0
    # By what the first generation of extensions says, too.
    of_run = ("--repository", claims["repository"], "--sha", claims["sha"], "--name", claims["workflow"])
    found = run("verify", "github", "--cert-identity", who, *of_run, "--bundle", bundle, artifact)
    assert found.returncode == 0, found.stderr
    artifact.write_bytes(b"other")
    assert run(*verify).returncode != 0


def ask(
    sigstore: LocalSigstore, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Mapping[str, str], bytes]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(sigstore.url + path, data=body, headers=names)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def a_request() -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    encoded = base64.b64encode(made.public_bytes(Encoding.PEM)).decode()
    return json.dumps({"certificateSigningRequest": encoded}).encode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "pypi"}, "another audience"),
        ({"aud": ["a", "b"]}, "another audience"),
        ({"exp": 1_000_000}, "expired"),
        ({"nbf": 9_000_000_000}, "not valid yet"),
        ({"exp": None}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"iss": "https://accounts.example.com"}, "not believed"),
        ({"repository": None}, "no claim 'repository'"),
    ],
)
def test_an_identity_that_is_not_right_gets_no_certificate(
    changes: dict[str, Any], words: str, sigstore: LocalSigstore, keys: Keys
) -> None:
    token = keys.token("github", **changes)
    status, _, body = ask(sigstore, CERTIFICATE_PATH, a_request(), Authorization=f"Bearer {token}")
    assert status == 400
    assert words in json.loads(body)["message"]


def test_an_identity_that_its_issuer_did_not_sign_gets_no_certificate(sigstore: LocalSigstore) -> None:
    forged = Keys().token("github")
    for token in (forged, f"{forged}x", "no token", "", "a.b.c"):
        status, _, body = ask(sigstore, CERTIFICATE_PATH, a_request(), Authorization=f"Bearer {token}")
        assert (status, "not one that its issuer signed" in json.loads(body)["message"]) == (400, True)


def test_an_email_that_nobody_verified_gets_no_certificate(sigstore: LocalSigstore, keys: Keys) -> None:
    token = keys.token("google", email_verified=False)
    status, _, body = ask(sigstore, CERTIFICATE_PATH, a_request(), Authorization=f"Bearer {token}")
    assert (status, json.loads(body)["message"]) == (400, "the e-mail address is not verified")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"certificateSigningRequest": "x"}', b'"x"', b"[" * 5000])
@pytest.mark.parametrize("path", [CERTIFICATE_PATH, ENTRIES_PATH, STAMP_PATH])
def test_what_cannot_be_read_is_refused(path: str, body: bytes, sigstore: LocalSigstore, keys: Keys) -> None:
    token = keys.token("github")
    status, _, answer = ask(sigstore, path, body, Authorization=f"Bearer {token}")
    assert status == 400
    assert json.loads(answer)["message"]


def test_there_is_nothing_else(sigstore: LocalSigstore) -> None:
    for path in ("/", "/api/v1/log", f"{ENTRIES_PATH}/00"):
        assert ask(sigstore, path)[0] == 404


def test_an_entry_is_taken_once_and_found_again(sigstore: LocalSigstore, keys: Keys) -> None:
    signing, _ = context(sigstore)
    with signing.signer(IdentityToken(keys.token("github"))) as signer:
        bundle = json.loads(signer.sign_artifact(b"once").to_json())
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    status, headers, _ = ask(sigstore, ENTRIES_PATH, json.dumps(body).encode())
    assert status == 409
    found = json.loads(ask(sigstore, headers["Location"])[2])
    ((uuid, kept),) = found.items()
    assert headers["Location"].endswith(uuid)
    assert kept["body"] == entry["canonicalizedBody"]
    body["spec"]["data"]["hash"]["value"] = hashlib.sha256(b"other").hexdigest()
    status, _, answer = ask(sigstore, ENTRIES_PATH, json.dumps(body).encode())
    assert (status, json.loads(answer)["message"]) == (400, "the signature does not hold")


def hash_of_tree(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + hash_of_tree(leaves[:half]) + hash_of_tree(leaves[half:])).digest()


def path_of_leaf(index: int, leaves: list[bytes]) -> list[bytes]:
    """Section 2.1.1, likewise."""
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if index < half:
        return [*path_of_leaf(index, leaves[:half]), hash_of_tree(leaves[half:])]
    return [*path_of_leaf(index - half, leaves[half:]), hash_of_tree(leaves[:half])]


def test_the_tree_is_that_of_the_standard_at_every_size() -> None:
    tree, leaves = Tree(), list[bytes]()
    assert tree.root() == hash_of_tree([])
    for size in range(1, 70):
        leaves.append(str(size).encode())
        assert tree.add(leaves[-1]) == size - 1
        assert (tree.size, tree.root()) == (size, hash_of_tree(leaves))
        for index in {0, size // 2, size - 1}:
            assert tree.inclusion(index) == path_of_leaf(index, leaves)


@given(st.binary(max_size=40))
def test_no_bytes_make_the_reader_of_der_do_anything_but_refuse(encoded: bytes) -> None:
    try:
        found = list(der.items(encoded))
    except BadDer:
        return
    assert b"".join(one.whole for one in found) == encoded


@given(st.integers(0, 2**2100), st.integers(0, 300))
def test_what_is_written_in_der_is_read_again(number: int, length: int) -> None:
    written = der.sequence(der.integer(number), der.tagged(der.OCTET_STRING, b"x" * length))
    first, second = der.items(der.read(written).content)
    assert int.from_bytes(first.content, "big") == number
    assert second.content == b"x" * length


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here, so it judged no timestamp")
def test_openssl_believes_the_timestamps(sigstore: LocalSigstore, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    content, query, reply = tmp_path / "content", tmp_path / "query", tmp_path / "reply"
    content.write_bytes(b"at this time")
    make = ["openssl", "ts", "-query", "-data", str(content), "-sha256", "-cert", "-out", str(query)]
    subprocess.run(make, check=True, capture_output=True)
    status, headers, body = ask(sigstore, STAMP_PATH, query.read_bytes(), Content_Type="application/timestamp-query")
    assert (status, headers["Content-Type"]) == (201, "application/timestamp-reply")
    reply.write_bytes(body)
    root = tmp_path / "root.pem"
    root.write_bytes(sigstore.stamps.chain[-1].public_bytes(Encoding.PEM))
    check = ["openssl", "ts", "-verify", "-in", str(reply), "-queryfile", str(query), "-CAfile", str(root)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def test_a_rehearsed_issuer_can_only_deceive_who_was_told_to_believe_it(sigstore: LocalSigstore) -> None:
    with emulate("github", clock=time.time) as issuer:
        token = issuer.token(example_job("github"), "sigstore").reveal()
        status, _, body = ask(sigstore, CERTIFICATE_PATH, a_request(), Authorization=f"Bearer {token}")
    assert (status, "not believed" in json.loads(body)["message"]) == (400, True)
