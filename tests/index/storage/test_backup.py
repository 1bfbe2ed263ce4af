# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Backups, and indexes made from them."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters import backup as backing
from trustpub.index.adapters.backup import back_up
from trustpub.index.adapters.checking import Checked, check
from trustpub.index.adapters.restore import restore
from trustpub.index.adapters.sql.store import head
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Invitation, Letter, Login, Session, User
from trustpub.secret import Secret

from .conftest import NOW, Ran, SetClock
from .kept_files import Kept, put

Trustpub = Callable[..., Ran]
WHEEL, SDIST = "hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"
SAID = {"made": "2026-01-01T00:00:00+00:00"}
KINDS = ("backup", "backup.tar")


@pytest.fixture
def kept(folder: Folder) -> list[Kept]:
    return [put(folder, SDIST, b"an sdist"), put(folder, WHEEL, b"a wheel" * 1000)]


@pytest.fixture
def token(folder: Folder) -> Secret:
    """Of somebody called anna, who knows no end."""
    owner = folder.people.add("anna")
    _, secret = folder.credentials.issue_user_token(owner, scope="read")
    return secret


def opens(folder: Folder, secret: Secret) -> bool:
    """Whether the token is good there."""
    answer = folder.credentials.check_header(f"Bearer {secret.reveal()}")
    return type(answer).__name__ == "Bearer"


def wrong(folder: Folder) -> list[str]:
    return [one.path for one in check(folder.store, folder.blobs, SetClock(), Checked(), served=False)]


def make(folder: Folder, target: Path, *, secret: bool = False, link: bool = True) -> backing.BackedUp:
    known = folder.read_secret() if secret else None
    return back_up(folder.store, folder.blobs, target, data=folder.path, said=SAID, secret=known, link=link)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_comes_back_from_its_backup_with_all_that_was_in_it(
    kind: str, kept: list[Kept], token: Secret, folder: Folder, tmp_path: Path, trustpub: Trustpub
) -> None:
    trust = folder.path / "trust"
    (trust / "tuf").mkdir(parents=True)
    (trust / "mine.json").write_text("{}")
    (trust / "tuf" / "1.root.json").write_text("{}")
    target, new = tmp_path / kind, tmp_path / "new"
    made = trustpub("admin", "backup", target, "--with-secret", "--data", folder.path)
    assert made.code == 0, made.err
    assert made.out.startswith(f"• 2 file(s) of {8 + 7000} bytes")
    assert "the server's secret is in it" in made.err
    back = trustpub("admin", "restore", target, "--data", new)
    assert back.code == 0, back.err
    assert "what was taken away since then is back" in back.err
    with open_folder(new, create=False) as restored:
        assert wrong(restored) == []
        for one in kept:
            assert one.below(new).read_bytes() == one.content
        assert opens(restored, token)
        assert restored.audience == folder.audience
        event = restored.records.events()[0]
        assert event.kind == "index-restored"
        assert event.facts["files"] == 2
        assert event.facts["secret"] == "as before"
    assert everything(new) == sorted(
        [
            "index.db",
            "secret",
            "trust/mine.json",
            "trust/tuf/1.root.json",
            *[path for path in everything(folder.path) if "packages" in path],
        ]
    )
    assert stat.S_IMODE((new / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(new.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_secret_every_token_is_dead_and_ended(
    kind: str, kept: list[Kept], token: Secret, folder: Folder, tmp_path: Path, trustpub: Trustpub
) -> None:
    target, new = tmp_path / kind, tmp_path / "new"
    made = trustpub("admin", "backup", target, "--data", folder.path)
    assert (made.code, made.err) == (0, "")
    assert "The server's secret is not in it." in made.out
    known = (folder.path / "secret").read_bytes().strip()
    held = (
        target.read_bytes()
        if target.is_file()
        else b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    )
    assert known not in held
    assert bytes.fromhex(known.decode()) not in held
    back = trustpub("admin", "restore", target, "--data", new)
    assert back.code == 0, back.err
    assert "A new secret was made" in back.out
    assert "every token that was given out before is void; 1 that were still in their time were ended" in back.err
    assert (new / "secret").read_bytes().strip() != known
    with open_folder(new, create=False) as restored:
        assert not opens(restored, token)
        assert [one.burned is not None for one in restored.people.tokens()] == [True]
        _, another = restored.credentials.issue_user_token(restored.people.user("anna"), scope="read")
        assert opens(restored, another)
        assert restored.records.events()[0].facts["tokens_ended"] == 1
    assert opens(folder, token)


def test_a_secret_that_was_kept_elsewhere_stays_there_and_tokens_live_on(
    kept: list[Kept], token: Secret, folder: Folder, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copy2(folder.path / "secret", elsewhere)
    make(folder, tmp_path / "backup")
    done = restore(tmp_path / "backup", tmp_path / "new", secret_file=elsewhere, clock=SetClock())
    assert (done.new_secret, done.secret_path) == (False, elsewhere)
    assert not (tmp_path / "new" / "secret").exists()
    with open_folder(tmp_path / "new", create=False, secret_file=elsewhere) as restored:
        assert opens(restored, token)
    elsewhere.chmod(0o600)
    elsewhere.write_text("0" * 64)
    with pytest.raises(Misuse, match="is not the one of the index in the backup"):
        restore(tmp_path / "backup", tmp_path / "other", secret_file=elsewhere, clock=SetClock())
    assert not (tmp_path / "other").exists()


def test_files_in_a_folder_beside_it_are_hard_links_and_outlive_a_deletion(
    kept: list[Kept], folder: Folder, tmp_path: Path
) -> None:
    done = make(folder, tmp_path / "backup")
    assert (done.files, done.linked) == (2, 2)
    for one in kept:
        assert one.below(tmp_path / "backup").samefile(one.below(folder.path))
        folder.blobs.remove(one.digest, one.filename)
    assert make_new(tmp_path).files == 2


def make_new(tmp_path: Path, kind: str = "backup") -> Any:
    return restore(tmp_path / kind, tmp_path / "new", secret_file=None, clock=SetClock())


@pytest.mark.parametrize("refused", [False, True])
def test_files_are_copied_where_links_are_not_wanted_or_cannot_be(
    refused: bool, kept: list[Kept], folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if refused:

        def no_links(*_: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", no_links)
    done = make(folder, tmp_path / "backup", link=refused)
    monkeypatch.undo()
    assert (done.files, done.linked) == (2, 0)
    assert not kept[0].below(tmp_path / "backup").samefile(kept[0].below(folder.path))
    assert make_new(tmp_path).files == 2


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_over(kind: str, kept: list[Kept], folder: Folder, tmp_path: Path) -> None:
    make(folder, tmp_path / kind)
    with pytest.raises(Misuse, match="something at"):
        make(folder, tmp_path / kind)
    (tmp_path / "new").mkdir()
    assert make_new(tmp_path, kind).files == 2
    with pytest.raises(Misuse, match="something at"):
        make_new(tmp_path, kind)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Misuse, match="something at"):
        make(folder, tmp_path / "link")
    assert sorted(os.listdir(tmp_path)) == sorted([kind, "index", "link", "new"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_belongs_to_its_owner_alone(kind: str, kept: list[Kept], folder: Folder, tmp_path: Path) -> None:
    make(folder, tmp_path / kind, secret=True)
    assert stat.S_IMODE((tmp_path / kind).stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_deleted_while_the_backup_is_made_is_in_neither_its_rows_nor_missed(
    kind: str, kept: list[Kept], folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = backing._add
    seen = []

    def delete_first(row: Any, *rest: Any) -> Any:
        seen.append(row.filename)
        if len(seen) == 1:
            for one in kept:
                with folder.store.write() as writing:
                    writing.bury(one.filename, 1)
                folder.blobs.remove(one.digest, one.filename)
            put(folder, "hello-2.0.tar.gz", b"meanwhile")
        return add(row, *rest)

    monkeypatch.setattr(backing, "_add", delete_first)
    assert make(folder, tmp_path / kind).files == 1
    assert make_new(tmp_path, kind).files == 1
    with open_folder(tmp_path / "new", create=False) as restored:
        assert wrong(restored) == []
        with restored.store.read() as reading:
            assert {one.filename: one.deleted for one in reading.all_files()} == {
                SDIST: 1, WHEEL: 1, "hello-2.0.tar.gz": None,
            }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_taken_while_files_come_and_go_is_whole(kind: str, folder: Folder, tmp_path: Path) -> None:
    ended = threading.Event()

    def come_and_go() -> None:
        with open_folder(folder.path, create=False) as other:
            for number in range(100_000):
                if ended.is_set():
                    return
                name = f"hello-{number}.0-py3-none-any.whl"
                one = put(other, name, name.encode() * 100)
                if number % 3 == 0:
                    with other.store.write() as writing:
                        writing.bury(name, 1)
                    other.blobs.remove(one.digest, name)

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        for number in range(4):
            target, new = tmp_path / f"{number}{kind}", tmp_path / f"new{number}"
            made = make(folder, target)
            assert restore(target, new, secret_file=None, clock=SetClock()).files == made.files
            with open_folder(new, create=False) as restored:
                assert wrong(restored) == []
    finally:
        ended.set()
        busy.join()


def test_an_index_that_misses_a_file_has_no_whole_backup(kept: list[Kept], folder: Folder, tmp_path: Path) -> None:
    kept[0].below(folder.path).unlink()
    for kind in KINDS:
        with pytest.raises(Declined, match=r"1 file\(s\) are not where they should be, the first is hello-1.0.tar.gz"):
            make(folder, tmp_path / kind)
    assert os.listdir(tmp_path) == ["index"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", ["file", "metadata", "missing", "database", "manifest", "newer", "cut"])
def test_a_damaged_backup_makes_no_index(
    kind: str, harm: str, kept: list[Kept], folder: Folder, tmp_path: Path, trustpub: Trustpub
) -> None:
    make(folder, tmp_path / "plain", link=False)
    wheel = kept[1].below(tmp_path / "plain")
    if harm == "file":
        wheel.write_bytes(b"x" * 7000)
    elif harm == "metadata":
        wheel.with_name(f"{WHEEL}.metadata").write_bytes(b"")
    elif harm == "missing":
        wheel.unlink()
    elif harm == "database":
        content = bytearray((tmp_path / "plain" / "index.db").read_bytes())
        content[4096:] = b"\x07" * (len(content) - 4096)
        (tmp_path / "plain" / "index.db").write_bytes(content)
    elif harm == "manifest":
        (tmp_path / "plain" / "backup.json").write_text("[" * 100_000)
    elif harm == "newer":
        with closing(sqlite3.connect(tmp_path / "plain" / "index.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
    target = tmp_path / "plain"
    if kind.endswith(".tar"):
        target = tmp_path / kind
        with tarfile.open(target, "w") as tar:
            tar.add(tmp_path / "plain", arcname="")
    if harm == "cut":
        if target.is_dir():
            (target / "backup.json").unlink()
        else:
            os.truncate(target, target.stat().st_size // 2)
    before = sorted(os.listdir(tmp_path))
    ran = trustpub("admin", "restore", target, "--data", tmp_path / "new")
    assert (ran.code, ran.out) in {(1, ""), (2, "")}
    assert ran.err.startswith("error: ")
    assert sorted(os.listdir(tmp_path)) == before


def test_what_else_is_in_a_tar_file_goes_nowhere(kept: list[Kept], folder: Folder, tmp_path: Path) -> None:
    make(folder, tmp_path / "backup.tar")
    evil = [
        "../escaped", "/tmp/escaped", "packages/../../escaped", "tls/ca.pem", "packages/zz/x", "lock",
        f"packages/00/11/{'2' * 60}/../../../../escaped",
    ]  # fmt: skip
    with tarfile.open(tmp_path / "backup.tar", "a") as tar:
        for name in evil:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("secret")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        beside = tarfile.TarInfo(f"packages/00/11/{'2' * 60}/unnamed-1.0.tar.gz")
        tar.addfile(beside, io.BytesIO(b""))
    make_new(tmp_path, "backup.tar")
    assert not (tmp_path / "escaped").exists()
    assert sorted(os.listdir(tmp_path / "new")) == ["index.db", "packages", "secret", "staging"]
    assert not (tmp_path / "new" / "secret").is_symlink()
    with open_folder(tmp_path / "new", create=False) as restored:
        assert wrong(restored) == []


@pytest.mark.parametrize("what", ["nothing", "a file", "an index"])
def test_what_is_no_backup_is_told_so(what: str, folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "it"
    if what == "a file":
        target.write_text("hello")
    elif what == "an index":
        target = folder.path
    with pytest.raises(Misuse, match="backup"):
        restore(target, tmp_path / "new", secret_file=None, clock=SetClock())
    assert not (tmp_path / "new").exists()


def test_a_backup_of_an_older_index_comes_back_with_the_newest_schema(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.mkdir()
    with closing(sqlite3.connect(target / "index.db")) as database:
        database.executescript((Path(__file__).parent / "written_by_0001.sql").read_text())
        database.execute("DELETE FROM files")  # its bytes are nowhere
        database.commit()
    (target / "backup.json").write_text(json.dumps({"trustpub-backup": 1}))
    done = restore(target, tmp_path / "new", secret_file=None, clock=SetClock())
    assert (done.made, done.new_secret) == ("an unknown time", True)
    with open_folder(tmp_path / "new", create=False) as restored:
        assert restored.store.revision() == head()
        assert restored.records.events()[0].at == NOW


def test_a_backup_of_a_later_form_is_refused(kept: list[Kept], folder: Folder, tmp_path: Path) -> None:
    make(folder, tmp_path / "backup")
    manifest = tmp_path / "backup" / "backup.json"
    said = json.loads(manifest.read_text())
    assert {name: said[name] for name in ("trustpub-backup", "files", "secret", "schema")} == {
        "trustpub-backup": 1, "files": 2, "secret": False, "schema": head(),
    }  # fmt: skip
    manifest.write_text(json.dumps({**said, "trustpub-backup": 2}))
    with pytest.raises(Misuse, match="newer trustpub"):
        make_new(tmp_path)


def test_a_secret_that_is_not_the_indexs_own_gets_into_no_backup(
    kept: list[Kept], folder: Folder, tmp_path: Path, trustpub: Trustpub
) -> None:
    (folder.path / "secret").write_text("0" * 64)
    ran = trustpub("admin", "backup", tmp_path / "backup", "--with-secret", "--data", folder.path)
    assert ran.code == 2
    assert "is not the one this index was made with" in ran.err
    assert not (tmp_path / "backup").exists()


def test_a_place_that_cannot_be_written_is_told_so(
    kept: list[Kept], folder: Folder, tmp_path: Path, trustpub: Trustpub
) -> None:
    ran = trustpub("admin", "backup", tmp_path / "no" / "backup", "--data", folder.path)
    assert (ran.code, "No such file or directory" in ran.err) == (2, True)
    make(folder, tmp_path / "backup")
    ran = trustpub("admin", "restore", tmp_path / "backup", "--data", tmp_path / "no" / "new")
    assert (ran.code, "No such file or directory" in ran.err) == (2, True)


def test_nobody_is_signed_in_and_no_invitation_is_open_after_a_restore(folder: Folder, tmp_path: Path) -> None:
    """They may have been ended or used since; what people are, and how they prove it, comes back."""
    user = User(id="user-7", name="ada", created=1, email="ada@example.org", administrator=True, suspended=5)
    login = Login(user_id="user-7", password="$argon2id$…", totp="sealed", totp_step=3, recovery=("a",))
    session = Session(
        id="s", user_id="user-7", created=1, expires=2**40, seen=1, confirmed=1, complete=False, peer="", agent=""
    )
    invitation = Invitation(
        id="i", email="new@example.org", administrator=True, user_id=None, by="", created=1, expires=2**40
    )
    letter = Letter(id="l", to="ada@example.org", subject="Hello", body="Hi.", created=1)
    with folder.store.write() as writing:
        writing.add_user(user)
        writing.put_login(login)
        writing.add_session(session)
        writing.add_invitation(invitation)
        writing.add_letter(letter)
    make(folder, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new", secret_file=None, clock=SetClock())
    with open_folder(tmp_path / "new", create=False) as restored, restored.store.read() as reading:
        assert reading.user("ada") == user
        assert reading.login("user-7") == login
        assert reading.session("s") is None
        assert reading.invitations() == []
        assert reading.letters(2**40) == [letter]
        facts = reading.events()[0].facts
        assert (facts["sessions_ended"], facts["invitations_ended"]) == (1, 1)
    with folder.store.read() as reading:
        assert reading.session("s") == session
