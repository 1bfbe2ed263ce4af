# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin trust``: roots as files, and newer ones over TUF when somebody asks."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from trustpub.cli.main import _run
from trustpub.errors import Misuse
from trustpub.index.bootstrap.opening import open_folder
from trustpub.proofs.root import SHIPPED, first_of_tuf, public_good
from trustpub.proofs.roots import Roots

from .signing import Sigstore
from .sites import Site, site
from .tuf_site import Repository

Admin = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    open_folder(path, create=True, public_url="https://index.example").close()
    return path


@pytest.fixture
def admin(data: Path, capsys: pytest.CaptureFixture[str]) -> Admin:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = _run([str(one) for one in ("admin", "trust", *arguments, "--data", data)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def root_file(tmp_path: Path, sigstore: Sigstore) -> Path:
    path = tmp_path / "trusted_root.json"
    path.write_text(json.dumps(sigstore.trusted_root()))
    return path


def rows(admin: Admin) -> list[dict[str, Any]]:
    code, out, _ = admin("list", "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_the_public_good_root_is_shipped_and_says_as_of_when(admin: Admin) -> None:
    (row,) = rows(admin)
    assert (row["name"], row["dated"], row["shipped"]) == ("public-good", SHIPPED, True)
    assert row["authorities"] == ["https://fulcio.sigstore.dev"]
    assert row["sha256"] == hashlib.sha256(public_good().path.read_bytes()).hexdigest()
    _, out, _ = admin("list")
    assert f"public-good  shipped, as of {SHIPPED}" in out


def test_a_private_root_is_added_and_removed(admin: Admin, root_file: Path, sigstore: Sigstore) -> None:
    code, out, _ = admin("add", "acme", root_file)
    assert (code, sigstore.url in out) == (0, True)
    assert [(row["name"], row["shipped"]) for row in rows(admin)] == [("public-good", True), ("acme", False)]
    code, _, err = admin("add", "other", root_file)
    assert code == 2
    assert "has the same transparency log" in err
    assert admin("add", "acme", root_file)[0] == 0
    assert admin("remove", "acme")[0] == 0
    assert admin("remove", "acme")[0] == 2
    assert [row["name"] for row in rows(admin)] == ["public-good"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"nonsense", b"[]", b"{}", b"\xff", b'{"mediaType": "application/json"}', b"[" * 100_000,
        json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": []}).encode(),
        json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": 1}).encode(),
        b" " * 300_000,
    ],
)  # fmt: skip
def test_what_is_no_root_is_not_added(admin: Admin, tmp_path: Path, content: bytes, data: Path) -> None:
    path = tmp_path / "root.json"
    path.write_bytes(content)
    code, _, err = admin("add", "acme", path)
    assert code == 2
    assert "root" in err
    assert not list((data / "trust").glob("*")) if (data / "trust").exists() else True


def test_names_of_roots_lead_nowhere(admin: Admin, root_file: Path) -> None:
    for name in ("../acme", "", "a/b", "A", "acme.json", "-x-", "a" * 65):
        assert admin("add", "--", name, root_file)[0] == 2
    assert admin("add", "acme", root_file.with_name("none"))[0] == 2


def test_roots_are_read_anew_when_a_file_changes(tmp_path: Path, root_file: Path) -> None:
    roots = Roots(tmp_path / "trust")
    assert [one.name for one in roots()] == ["public-good"]
    roots.add("acme", root_file)
    (first,) = roots()[1:]
    path = tmp_path / "trust" / "acme.json"
    path.write_bytes(path.read_bytes() + b"\n")
    os.utime(path, ns=(1, 1))
    (second,) = roots()[1:]
    assert first.sha256 != second.sha256
    path.write_text("nonsense")
    with pytest.raises(Misuse, match="not a trusted root"):
        roots()


@pytest.fixture
def repository() -> Iterator[tuple[Site, Repository]]:
    with site() as made:
        yield made, Repository(made)


def test_a_newer_root_comes_over_tuf_when_asked_for(
    admin: Admin, repository: tuple[Site, Repository], sigstore: Sigstore, tmp_path: Path
) -> None:
    made, tuf = repository
    first = tmp_path / "1.root.json"
    first.write_bytes(tuf.first)
    tuf.publish(json.dumps(sigstore.trusted_root()).encode(), 1)
    asked = ("update", "acme", "--url", f"{made.url}/tuf", "--tuf-root", first)
    code, out, err = admin(*asked)
    assert code == 0, err
    assert "Trust root acme is updated, as of" in out
    assert [row["name"] for row in rows(admin)] == ["public-good", "acme"]
    assert "is the newest already" in admin(*asked)[1]
    tuf.publish(json.dumps(sigstore.trusted_root(), indent=1).encode(), 2)
    assert "is updated" in admin(*asked)[1]
    # Nobody goes back behind what was seen.
    tuf.publish(json.dumps(sigstore.trusted_root()).encode(), 1)
    before = rows(admin)
    code, _, err = admin(*asked)
    assert code == 1
    assert "does not hold" in err
    assert rows(admin) == before


def test_an_update_that_nobody_signed_changes_nothing(
    admin: Admin, repository: tuple[Site, Repository], sigstore: Sigstore, tmp_path: Path
) -> None:
    made, tuf = repository
    first = tmp_path / "1.root.json"
    first.write_bytes(tuf.first)
    tuf.signer = CryptoSigner.generate_ecdsa()
    tuf.publish(json.dumps(sigstore.trusted_root()).encode(), 1)
    code, _, err = admin("update", "acme", "--url", f"{made.url}/tuf", "--tuf-root", first)
    assert code == 1
    assert "stays as it was" in err
    assert [row["name"] for row in rows(admin)] == ["public-good"]


@pytest.mark.parametrize("change", ["expired", "no target", "not a root", "gone"])
def test_an_update_that_is_not_whole_changes_nothing(
    admin: Admin, repository: tuple[Site, Repository], sigstore: Sigstore, tmp_path: Path, change: str
) -> None:
    made, tuf = repository
    first = tmp_path / "1.root.json"
    first.write_bytes(tuf.first)
    content, name = json.dumps(sigstore.trusted_root()).encode(), "trusted_root.json"
    if change == "expired":
        tuf.expires -= timedelta(days=2)
    elif change == "no target":
        name = "other.json"
    elif change == "not a root":
        content = b"{}"
    tuf.publish(content, 1, name)
    if change == "gone":
        made.pages.clear()
    code, _, err = admin("update", "acme", "--url", f"{made.url}/tuf", "--tuf-root", first)
    assert code == {"expired": 1, "no target": 1, "not a root": 2, "gone": 4}[change], err
    assert [row["name"] for row in rows(admin)] == ["public-good"]


def test_an_update_without_its_beginning_is_misuse(admin: Admin, tmp_path: Path) -> None:
    assert admin("update", "acme")[0] == 2
    assert admin("update", "--url", "https://tuf.example")[0] == 2
    assert admin("update", "--url", "https://127.0.0.1:1", "--tuf-root", tmp_path / "none")[0] == 2
    nonsense = tmp_path / "root.json"
    nonsense.write_text("{}")
    assert admin("update", "--url", "https://127.0.0.1:1", "--tuf-root", nonsense)[0] == 1


def test_the_public_good_root_has_a_beginning_for_its_updates() -> None:
    signed = json.loads(first_of_tuf())["signed"]
    assert signed["_type"] == "root"
    assert signed["version"] >= 15
