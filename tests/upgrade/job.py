# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of GitHub's that publishes, whatever index it meets: the identity that it shows, its files, its requests."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name

ISSUER = "https://token.actions.githubusercontent.com"
KEY_ID = "key-1"
RUN = {
    "sub": "repo:octo/hello:environment:release", "repository": "octo/hello", "repository_id": "456789",
    "repository_owner": "octo", "repository_owner_id": "123456",
    "workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "job_workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "ref": "refs/tags/v1", "ref_type": "tag", "ref_protected": "true", "sha": "f" * 40, "event_name": "push",
    "environment": "release", "runner_environment": "github-hosted",
}  # fmt: skip
SIGNED = {
    "issuer": ISSUER, "san": "https://github.com/octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "build_signer_uri": "https://github.com/octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "source_repository_uri": "https://github.com/octo/hello", "source_repository_digest": "f" * 40,
    "source_repository_ref": "refs/tags/v1", "source_repository_id": "456789", "source_repository_owner_id": "123456",
    "build_config_uri": "https://github.com/octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "deployment_environment": "release",
}  # fmt: skip
"""What Sigstore writes into a certificate for that run."""
_BOUNDARY = "a-boundary-of-ours"


def metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n".encode()


def wheel(name: str, version: str) -> tuple[str, bytes]:
    """A file's name, and what is in it; the same whenever it is made."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": b"SAID = 'hello'\n",
        f"{info}/METADATA": metadata(name, version),
        f"{info}/WHEEL": packed.TAGGED,
    }
    return f"{name}-{version}-py3-none-any.whl", packed.wheel(info, contents)


def sdist(name: str, version: str) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in (
            (f"{name}-{version}/pyproject.toml", b"[build-system]\nrequires = []\nbuild-backend = 'backend'\n"),
            (f"{name}-{version}/PKG-INFO", metadata(name, version)),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return f"{name}-{version}.tar.gz", buffer.getvalue()


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    """The issuer's key."""

    key: rsa.RSAPrivateKey

    @classmethod
    def new(cls) -> Signer:
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def of(cls, pem: str) -> Signer:
        key = load_pem_private_key(pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(key)

    @property
    def pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def jwks(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        n, e = (_plain(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e}]}

    def identity(self, audience: str, **changes: str) -> str:
        """An identity token of the job, made now."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": audience, "iat": now, "nbf": now - 60, "exp": now + 300, "jti": str(uuid.uuid4()),
            **RUN, **changes,
        }  # fmt: skip
        parts = [{"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, claims]
        signed = ".".join(_plain(json.dumps(one).encode()) for one in parts)
        return f"{signed}.{_plain(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@dataclass(frozen=True)
class Index:
    """An index that is served."""

    url: str

    def get(self, path: str, accept: str = "*/*", token: str = "") -> tuple[int, bytes]:
        return self._ask("GET", path, None, {"Accept": accept, **_basic(token)})

    def json(self, path: str, token: str = "") -> Any:
        status, body = self.get(path, "application/vnd.pypi.simple.v1+json, application/json;q=0.5", token)
        assert status == 200, (path, status, body[:300])
        return json.loads(body)

    def mint(self, signer: Signer) -> str:
        """The upload token that the job gets."""
        audience = json.loads(self.get("/_/oidc/audience")[1])["audience"]
        document = json.dumps({"token": signer.identity(audience)}).encode()
        status, body = self._ask("POST", "/_/oidc/mint-token", document, {"Content-Type": "application/json"})
        assert status == 200, body
        return str(json.loads(body)["token"])

    def burn(self, token: str) -> None:
        """Give a token back."""
        document = json.dumps({"token": token}).encode()
        status, body = self._ask("POST", "/_/oidc/burn-token", document, {"Content-Type": "application/json"})
        assert status == 202, body

    def upload(self, token: str, filename: str, content: bytes, attestation: Any = None, *, wanted: int = 200) -> str:
        """Upload; what was answered."""
        name, version = filename.removesuffix(".tar.gz").split("-")[:2]
        is_wheel = filename.endswith(".whl")
        fields = {
            ":action": "file_upload", "protocol_version": "1", "sha256_digest": hashlib.sha256(content).hexdigest(),
            "filetype": "bdist_wheel" if is_wheel else "sdist", "pyversion": "py3" if is_wheel else "source",
            "metadata_version": "2.1", "name": name, "version": version, "requires_python": ">=3.8",
        }  # fmt: skip
        if attestation is not None:
            fields["attestations"] = json.dumps([attestation])
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()
        ]
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
        body = "".join([*parts, head]).encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", **_basic(token)}
        status, answer = self._ask("POST", "/legacy/", body, headers)
        assert status == wanted, (filename, status, answer)
        return answer.decode()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@contextmanager
def serving(
    data: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None, public_url: str | None = None
) -> Iterator[Index]:
    """`trustpub serve` on a folder, as the program that ``env`` leads to."""
    command = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", "0", "--json"]
    if public_url is not None:
        command += ["--public-url", public_url]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=log, text=True)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout is not None
        with process.stdout:
            try:
                line = process.stdout.readline()
                log.seek(0)
                assert line.startswith("{"), log.read()[-2000:]
                yield Index(_listening(process.pid))
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
                watchdog.cancel()
                log.seek(0)
                assert "Traceback" not in log.read()


def _listening(pid: int) -> str:
    """Where the process listens, as the kernel knows it; what it says is the public URL."""
    links = (os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir())
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "0A" and columns[9] in sockets:
            return f"http://127.0.0.1:{int(columns[1].partition(':')[2], 16)}"
    raise AssertionError("it listens nowhere")


def _basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()} if token else {}
