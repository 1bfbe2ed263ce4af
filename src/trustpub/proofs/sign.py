# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publish attestation (PEP 740) for a file: identity -> certificate -> signature -> entry in the log -> proven again.

The two requests, to Fulcio and to Rekor version 1, go over :class:`trustpub.http.Http`, so that proxies, certificate
authorities, time limits and sentences are those of everything else. What comes of them is judged by sigstore's own
verifier before anybody else gets to see it, with the extra ``attest``, which is loaded on first use.
"""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from trustpub.errors import Declined, Misuse, NoIdentity, TrustpubError, Unreachable
from trustpub.http import BUSY, Http, Response
from trustpub.printable import printable
from trustpub.proofs.attestation import PAYLOAD_TYPE, PUBLISH, STATEMENT_TYPE, BadAttestation, read
from trustpub.proofs.expected import Demand, Expected
from trustpub.proofs.instance import Instance, begun
from trustpub.proofs.verify import EXTRA, Checker, installed
from trustpub.secret import Secret
from trustpub.trust.claims import MalformedToken, peek

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

ANSWER_SECONDS = 30.0
"""How long the authority or the log may think. Sigstore's own client would wait for ever."""
ATTEMPTS = 3
SPARE_SECONDS = 60
"""A certificate that ends sooner than this is replaced: the log's time must lie within it."""

_CERTIFICATE_PATH = "/api/v2/signingCert"
_ENTRIES_PATH = "/api/v1/log/entries"
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_AUTHORITY = "certificate authority"
_TRANSPARENCY_LOG = "transparency log"
_MAX_BYTES = 256 * 1024
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Hashed(Protocol):
    """What a file goes up with, as far as a signature needs it."""

    @property
    def sha256(self) -> str | None:
        """Hexadecimal; it must be known by now."""


class Subject(Protocol):
    """A file to attest: :class:`trustpub.client.files.Distribution` is one."""

    @property
    def filename(self) -> str:
        """Its name."""

    @property
    def submission(self) -> Hashed:
        """Its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Certified:
    """A key, and the certificate that names this job as its owner for ten minutes."""

    key: EllipticCurvePrivateKey
    certificate: Certificate
    issuer: str
    """The one whose identity token it was given for."""

    @property
    def der(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        return self.certificate.public_bytes(Encoding.PEM)


class Signer:
    """Attests files as this job, with one certificate for all of them. May be shared by threads.

    Once it has failed to get a certificate it fails for every further file, without asking again.
    """

    def __init__(
        self, *, http: Http, trust_config: Callable[[], Instance], identity: Callable[[], Secret],
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        """Nothing is loaded or asked before the first file.

        Args:
            http: the way out.
            trust_config: the instance to sign with; called once.
            identity: an identity token with the audience that the instance wants, already masked; called for each
                certificate, and so again where a release takes longer than one is valid.
            clock: Unix time.
        """
        self._http = http
        self._trust_config = trust_config
        self._identity = identity
        self._clock = clock
        self._lock = threading.Lock()
        self._instance: Instance | None = None
        self._certified: _Certified | None = None
        self._checker: Checker | None = None
        self._failed: TrustpubError | None = None

    @property
    def instance(self) -> Instance:
        """Whom it signs with.

        Raises:
            TrustpubError: it cannot be had.
        """
        with self._lock:
            if self._failed is not None:
                raise self._failed
            try:
                return self._find()
            except TrustpubError as error:
                self._failed = error
                raise

    def attest(self, distribution: Subject) -> str:
        """One attestation for the file, as JSON, that holds by the trusted root of the instance.

        Raises:
            Misuse: the extra ``attest`` is not installed, or the trust configuration is no good.
            NoIdentity: this job has no identity token for signing.
            Declined: the authority or the log refuses, or what it gives does not hold.
            Unreachable: it cannot be asked, or fails.
        """
        filename, sha256 = distribution.filename, distribution.submission.sha256
        if sha256 is None:
            raise ValueError(f"{filename} was not read yet")
        instance, certified, checker = self._ready()
        payload = _COMPACT.encode(_statement(filename, sha256)).encode()
        signature = _sign(certified.key, payload)
        entry = self._log(instance, certified, payload, signature)
        text = _COMPACT.encode(_attestation(certified, payload, signature, entry))
        try:
            attestation = read(text)
            expected = Expected(demands=(Demand(field="issuer", wanted=certified.issuer),), publisher={})
            checker.check(attestation, expected, filename, sha256)
        except BadAttestation as bad:
            raise Declined(
                f"{begun(instance.told)} made an attestation for {filename} that does not hold: {bad.message}",
                hint="Nothing was sent. Its trust configuration may be older than its keys.",
            ) from None
        return text

    def _ready(self) -> tuple[Instance, _Certified, Checker]:
        with self._lock:
            if self._failed is not None:
                raise self._failed
            try:
                return self._prepare()
            except TrustpubError as error:
                self._failed = error
                raise

    def _prepare(self) -> tuple[Instance, _Certified, Checker]:
        instance = self._find()
        if self._certified is None or self._ends_soon(self._certified):
            self._certified = self._certificate(instance)
        if self._checker is None:
            self._checker = _checker(instance)
        return instance, self._certified, self._checker

    def _find(self) -> Instance:
        if self._instance is None:
            if not installed():
                raise Misuse("Signing needs packages that are not installed.", hint=EXTRA)
            # The verifier takes half a second to load: it does so while the network is waited for.
            threading.Thread(target=_load, daemon=True).start()
            self._instance = self._trust_config()
        return self._instance

    def _ends_soon(self, certified: _Certified) -> bool:
        return certified.certificate.not_valid_after_utc.timestamp() < self._clock() + SPARE_SECONDS

    def _certificate(self, instance: Instance) -> _Certified:
        """A new key, and what Fulcio says of it."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        identity = self._identity()
        issuer = _issuer(identity)
        key = ec.generate_private_key(ec.SECP256R1())
        body = json.dumps({"certificateSigningRequest": base64.b64encode(_request(key)).decode()}).encode()
        headers = {**_JSON, "Authorization": f"Bearer {identity.reveal()}"}
        answer = self._ask(
            instance, "POST", instance.fulcio + _CERTIFICATE_PATH, headers, body, "certificate authority"
        )
        try:
            chain = _object(answer)["signedCertificateEmbeddedSct"]["chain"]["certificates"]
            certificate = x509.load_pem_x509_certificate(chain[0].encode())
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise _strange(instance, instance.fulcio, "certificate") from None
        return _Certified(key=key, certificate=certificate, issuer=issuer)

    def _log(self, instance: Instance, certified: _Certified, payload: bytes, signature: bytes) -> Mapping[str, Any]:
        """The log's entry for the signature, as a bundle of Sigstore's has it."""
        envelope = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode()}],
        }
        proposed = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "proposedContent": {
                    "envelope": _COMPACT.encode(envelope),
                    "verifiers": [base64.b64encode(certified.pem).decode()],
                }
            },
        }
        url = instance.rekor + _ENTRIES_PATH
        answer = self._ask(instance, "POST", url, _JSON, json.dumps(proposed).encode(), _TRANSPARENCY_LOG)
        if answer.status == 409:
            # Ours, from an attempt whose answer was lost: nobody else has this signature.
            uuid = answer.headers.get("location", "").rpartition("/")[2]
            answer = self._ask(
                instance, "GET", f"{url}/{_hexadecimal(instance, uuid)}", _JSON, None, "transparency log"
            )
        try:
            (entry,) = _object(answer).values()
            return entry_of(entry)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise _strange(instance, instance.rekor, "log entry") from None

    def _ask(
        self, instance: Instance, method: str, url: str, headers: Mapping[str, str], body: bytes | None, what: str
    ) -> Response:
        where = printable(urlsplit(url).netloc, 200)
        try:
            answer = self._http.request(
                method, url, headers=headers, body=body, max_bytes=_MAX_BYTES, read_seconds=ANSWER_SECONDS,
                attempts=ATTEMPTS,
            )  # fmt: skip
        except Unreachable as error:
            raise Unreachable(
                f"The {what} of {instance.told} cannot be asked. {error.message}", hint=error.hint
            ) from None
        if answer.status in (200, 201, 409):
            return answer
        told = f"The {what} of {instance.told}, {where},"
        said = _said(answer)
        if answer.status in BUSY or answer.status >= 500:
            raise Unreachable(f"{told} fails ({answer.status}){said}.")
        raise Declined(f"{told} refuses ({answer.status}){said}.", hint=_refused_hint(what))


def _load() -> None:
    import sigstore.verify  # noqa: F401


def _checker(instance: Instance) -> Checker:
    with tempfile.TemporaryDirectory(prefix="trustpub-root-") as folder:
        root = instance.root(Path(folder))
        checker = Checker(lambda: [root])
        checker.prepare()  # reads the file, which is gone afterwards
        return checker


def _issuer(identity: Secret) -> str:
    try:
        return peek(identity.reveal()).issuer
    except MalformedToken:
        raise NoIdentity("What this CI gives as an identity token for signing is not a JSON Web Token.") from None


def _statement(filename: str, sha256: str) -> Mapping[str, Any]:
    """In-toto's Statement v1, as PEP 740 and PyPI's publish attestation want it."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": PUBLISH,
        "predicate": None,
    }


def encoded(payload: bytes) -> bytes:
    """What is signed of a statement: DSSE's pre-authentication encoding (v1)."""
    kind = PAYLOAD_TYPE.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def _sign(key: EllipticCurvePrivateKey, payload: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return key.sign(encoded(payload), ec.ECDSA(hashes.SHA256()))


def _request(key: EllipticCurvePrivateKey) -> bytes:
    """A certificate signing request (PEM). Fulcio looks at its key and its signature alone, so it names nobody."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _attestation(
    certified: _Certified, payload: bytes, signature: bytes, entry: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "version": 1,
        "verification_material": {
            "certificate": base64.b64encode(certified.der).decode(),
            "transparency_entries": [entry],
        },
        "envelope": {
            "statement": base64.b64encode(payload).decode(),
            "signature": base64.b64encode(signature).decode(),
        },
    }


def entry_of(answered: Mapping[str, Any]) -> Mapping[str, Any]:
    """A log entry, from Rekor's own JSON to Sigstore's, in which numbers are strings, and bytes base64.

    Raises:
        ValueError: it is none; so are KeyError and TypeError.
    """
    verification = answered["verification"]
    proof = verification["inclusionProof"]
    kind = json.loads(base64.b64decode(answered["body"]))
    return {
        "logIndex": str(int(answered["logIndex"])),
        "logId": {"keyId": _base64(answered["logID"])},
        "kindVersion": {"kind": str(kind["kind"]), "version": str(kind["apiVersion"])},
        "integratedTime": str(int(answered["integratedTime"])),
        "inclusionPromise": {"signedEntryTimestamp": str(verification["signedEntryTimestamp"])},
        "inclusionProof": {
            "logIndex": str(int(proof["logIndex"])),
            "rootHash": _base64(proof["rootHash"]),
            "treeSize": str(int(proof["treeSize"])),
            "hashes": [_base64(one) for one in proof["hashes"]],
            "checkpoint": {"envelope": str(proof["checkpoint"])},
        },
        "canonicalizedBody": str(answered["body"]),
    }


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def _object(answer: Response) -> Mapping[str, Any]:
    try:
        value = json.loads(answer.body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _hexadecimal(instance: Instance, uuid: str) -> str:
    if not uuid or uuid.strip("0123456789abcdefABCDEF"):
        raise _strange(instance, instance.rekor, "place of the log entry that it has already")
    return uuid


def _strange(instance: Instance, url: str, wanted: str) -> Unreachable:
    where = printable(urlsplit(url).netloc, 200)
    return Unreachable(f"{where}, of {instance.told}, answers with something that is no {wanted}.")


def _said(answer: Response) -> str:
    """The message in an answer, where it has one; Fulcio and Rekor call it the same."""
    try:
        message = _object(answer).get("message")
    except (ValueError, TypeError):
        message = None
    return f": {printable(message, 300).rstrip('.')}" if isinstance(message, str) and message else ""


def _refused_hint(what: str) -> str | None:
    if what != _AUTHORITY:
        return None
    return "It gives certificates to identities of issuers that it knows, for the audience that it is set up with."
