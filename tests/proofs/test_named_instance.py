# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index that names its own Sigstore: who is told, and which configurations it does not start with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustpub.addresses import is_loopback
from trustpub.cli.main import _run
from trustpub.errors import Misuse
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.opening import open_folder
from trustpub.proofs.root import PUBLIC_GOOD, public_good
from trustpub.protocol.discovery import SIGSTORE_PATH, read_discovery
from trustpub.protocol.exchange import BadBody
from trustpub.rehearsal.sigstore.server import LocalSigstore

DISCOVERY = "/.well-known/pytp?discover=%2Flegacy%2F"


@pytest.fixture(scope="module")
def config() -> Iterator[dict[str, Any]]:
    with LocalSigstore() as sigstore:
        yield dict(sigstore.trust_config())


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_it_is_told_to_everybody_and_only_if_there_is_one(
    named: bool, private: bool, config: dict[str, Any], tmp_path: Path
) -> None:
    content = json.dumps(config).encode() if named else None
    with open_folder(tmp_path / "index", create=True, public_url="https://index.example") as folder:
        settings = replace(folder.settings, private=private, trust_config=content)
        client = TestClient(build_app(folder, settings), base_url="https://index.example")
        told = client.get(DISCOVERY)
        found = read_discovery(told.content, "https://index.example/legacy/", plain=is_loopback)
        answer = client.get(SIGSTORE_PATH)
    assert found.sigstore == (f"https://index.example{SIGSTORE_PATH}" if named else None)
    assert answer.status_code == (200 if named else 404)
    if named:
        assert answer.content == content
    else:
        assert "sigstore-trust-config" not in told.json()


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/config.json",
        "http://index.example/config.json",
        "https://index.example.evil.example/config.json",
        "https://user@index.example/config.json",
        "file:///etc/passwd",
        "https://[",
        "",
        None,
        3,
    ],
)
def test_a_client_takes_it_from_the_index_itself_and_from_nowhere_else(url: Any) -> None:
    document = {
        "audience-endpoint": "https://index.example/a",
        "token-mint-endpoint": "https://index.example/m",
        "sigstore-trust-config": url,
    }
    with pytest.raises(BadBody, match="sigstore-trust-config"):
        read_discovery(json.dumps(document).encode(), "https://index.example/legacy/", plain=is_loopback)


def test_its_root_is_believed_once_and_never_in_the_place_of_another(config: dict[str, Any], tmp_path: Path) -> None:
    content = json.dumps(config["trustedRoot"]).encode()
    public = public_good().path.read_bytes()
    with open_folder(tmp_path / "index", create=True, public_url="https://index.example") as folder:
        assert folder.trust.adopt("own", content).name == "own"
        assert folder.trust.adopt("own", content).name == "own"
        assert folder.trust.adopt("again", content).name == "own"
        assert folder.trust.adopt("mine", public).name == PUBLIC_GOOD
        assert [root.name for root in folder.trust()] == [PUBLIC_GOOD, "own"]
        with pytest.raises(Misuse):
            folder.trust.adopt("bad", b"{}")


def spoilt(config: dict[str, Any], **signing: Any) -> str:
    return json.dumps({**config, "signingConfig": {**config["signingConfig"], **signing}})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda config: "", "not a trust configuration"),
        (lambda config: json.dumps(config["trustedRoot"]), "not a trust configuration"),
        (lambda config: spoilt(config, rekorTlogUrls=[]), "no transparency log of Rekor version 1"),
        (lambda config: spoilt(config, caUrls=[]), "no certificate authority"),
        (
            lambda config: json.dumps({**config, "trustedRoot": json.loads(public_good().path.read_bytes())}),
            "Sigstore's public instance",
        ),
    ],
)
def test_an_index_does_not_start_with_what_nobody_could_sign_with(
    make: Callable[[dict[str, Any]], str], words: str, config: dict[str, Any], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    file = tmp_path / "sigstore.json"
    file.write_text(make(config))
    assert _run(["serve", "--data", str(tmp_path / "index"), "--sigstore-trust-config", str(file)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "index").exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["serve", "--data", str(tmp_path / "index"), "--sigstore-trust-config", "nothing.json"]) == 2
    assert "cannot be read" in capsys.readouterr().err
