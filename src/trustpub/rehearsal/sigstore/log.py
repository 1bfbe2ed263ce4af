# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A transparency log as Rekor version 1 is one: signed times, inclusion proofs and checkpoints.

It takes the two kinds of entries that Sigstore's clients make: ``dsse`` for statements, ``hashedrekord`` for files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from trustpub.proofs.sign import encoded
from trustpub.rehearsal.sigstore.authority import key_id
from trustpub.rehearsal.sigstore.tree import Tree, leaf_hash

KINDS = ("dsse", "hashedrekord")
_NOTE_KEY_BYTES = 4


class BadEntry(ValueError):
    """An entry that is not taken. The message goes to whoever proposed it."""


class Known(Exception):
    """The same entry is in the log already, as ``uuid``."""

    def __init__(self, uuid: str) -> None:
        super().__init__(uuid)
        self.uuid = uuid


def compact(value: Any) -> bytes:
    """RFC 8785 for what stands in a log: names in ASCII, and no fractions."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Log:
    """One log. May be shared by threads."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        """``name`` is what its checkpoints begin with: its host; ``clock``: Unix time."""
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = key_id(self.key)
        """What it is known by, and what its entries name."""
        self._clock = clock
        self._tree_id = secrets.randbits(62)
        self._tree = Tree()
        self._lock = threading.Lock()
        self._entries: dict[str, Mapping[str, Any]] = {}

    def propose(self, proposed: Mapping[str, Any], *, at: float | None = None) -> Mapping[str, Any]:
        """Take an entry in, as ``POST /api/v1/log/entries`` does. Returns it by its UUID, with all proofs.

        ``at``: when it is said to have come, Unix time; now, unless given.

        Raises:
            BadEntry: it is of no kind that is taken, or its signature does not hold.
            Known: it is there already.
        """
        body = compact(_body(proposed))
        uuid = f"{self._tree_id:016x}{leaf_hash(body).hex()}"
        with self._lock:
            if uuid in self._entries:
                raise Known(uuid)
            index = self._tree.add(body)
            entry = self._entry(body, index, int(self._clock() if at is None else at))
            self._entries[uuid] = entry
        return {uuid: entry}

    def find(self, uuid: str) -> Mapping[str, Any] | None:
        """The entry, as it was when it came."""
        entry = self._entries.get(uuid)
        return None if entry is None else {uuid: entry}

    def _entry(self, body: bytes, index: int, time: int) -> Mapping[str, Any]:
        encoded_body = base64.b64encode(body).decode()
        promised = {"body": encoded_body, "integratedTime": time, "logID": self.id.hex(), "logIndex": index}
        root = self._tree.root()
        return {
            **promised,
            "verification": {
                "signedEntryTimestamp": base64.b64encode(self._sign(compact(promised))).decode(),
                "inclusionProof": {
                    "logIndex": index,
                    "treeSize": self._tree.size,
                    "rootHash": root.hex(),
                    "hashes": [one.hex() for one in self._tree.inclusion(index)],
                    "checkpoint": self._checkpoint(root),
                },
            },
        }

    def _checkpoint(self, root: bytes) -> str:
        """The tree as it is now, in a signed note (C2SP, signed-note and tlog-checkpoint)."""
        note = f"{self.name} - {self._tree_id}\n{self._tree.size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.id[:_NOTE_KEY_BYTES] + self._sign(note.encode())).decode()
        return f"{note}\n— {self.name} {signature}\n"

    def _sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


def _body(proposed: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the log keeps of a proposed entry, once its signature holds."""
    try:
        kind, spec = proposed["kind"], proposed["spec"]
        if kind not in KINDS:
            raise BadEntry("entries are of the kind dsse or hashedrekord")
        kept = _dsse(spec["proposedContent"]) if kind == "dsse" else _hashed(spec)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise BadEntry("a member of the entry is missing") from None
    except InvalidSignature:
        raise BadEntry("the signature does not hold") from None
    except BadEntry:
        raise
    except (ValueError, RecursionError):
        raise BadEntry("a member of the entry cannot be read") from None
    return {"apiVersion": "0.0.1", "kind": kind, "spec": kept}


def _dsse(content: Mapping[str, Any]) -> Mapping[str, Any]:
    text, verifier = content["envelope"], content["verifiers"][0]
    envelope = json.loads(text)
    payload = _bytes(envelope["payload"])
    signatures = [one["sig"] for one in envelope["signatures"]]
    for signature in signatures:
        _key(verifier).verify(_bytes(signature), encoded(payload), ec.ECDSA(hashes.SHA256()))
    return {
        "envelopeHash": _hash(text.encode()),
        "payloadHash": _hash(payload),
        "signatures": [{"signature": one, "verifier": verifier} for one in signatures],
    }


def _hashed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    digest, signature = spec["data"]["hash"]["value"], spec["signature"]["content"]
    certificate = spec["signature"]["publicKey"]["content"]
    signed = ec.ECDSA(Prehashed(hashes.SHA256()))
    _key(certificate).verify(_bytes(signature), bytes.fromhex(digest), signed)
    return {
        "data": {"hash": {"algorithm": "sha256", "value": digest}},
        "signature": {"content": signature, "publicKey": {"content": certificate}},
    }


def _key(certificate: str) -> ec.EllipticCurvePublicKey:
    key = x509.load_pem_x509_certificate(_bytes(certificate)).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadEntry("the certificate's key is of another kind than ECDSA")
    return key


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _hash(content: bytes) -> Mapping[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}
