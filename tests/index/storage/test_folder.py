# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.index.adapters import secretfile
from trustpub.index.adapters.lock import FolderLock, holder
from trustpub.index.adapters.sql import store as sql_store
from trustpub.index.adapters.sql.store import SqlStore, head
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.bootstrap.urls import new_audience, read_public_url
from trustpub.protocol.exchange import AUDIENCE
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS

URL = "https://index.example"


def set_revision(folder: Path, revision: str) -> None:
    with closing(sqlite3.connect(folder / "index.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.commit()


def test_the_first_start_makes_everything_and_later_ones_find_it(tmp_path: Path) -> None:
    with open_folder(tmp_path / "a" / "b", create=True, public_url=URL) as first:
        assert first.said == ("A new index was made.",)
        assert {one.url: one.kind for one in first.issuers.all()} == PUBLIC_ISSUERS
        assert all(one.terms == PROVIDERS[one.kind].terms for one in first.issuers.all())
        assert not first.rehearsal
    with open_folder(tmp_path / "a" / "b", create=True, local_url="http://127.0.0.1:1") as second:
        assert second.said == ()
        assert (second.audience, second.public_url) == (first.audience, URL)
        assert second.root_keys.key_id == first.root_keys.key_id
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / "secret").stat().st_mode) == 0o600


def test_the_database_holds_no_secret(folder: Folder) -> None:
    secret = (folder.path / "secret").read_text().strip()
    for path in folder.path.glob("index.db*"):
        content = path.read_bytes()
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content


def test_a_local_url_follows_the_port_until_a_public_one_is_given(tmp_path: Path) -> None:
    def url(public: str | None, local: str | None) -> str:
        with open_folder(tmp_path / "index", create=True, public_url=public, local_url=local) as opened:
            return opened.public_url

    assert url(None, "http://127.0.0.1:1") == "http://127.0.0.1:1"
    assert url(None, "http://127.0.0.1:2") == "http://127.0.0.1:2"
    assert url(URL, "http://127.0.0.1:3") == URL
    assert url(None, "http://127.0.0.1:4") == URL


@pytest.mark.parametrize("host", ["pypi", "1.example", "127.0.0.1", "[::1]", "index.example", "x" * 200, "a-b.c_d"])
def test_an_audience_can_be_part_of_a_variables_name_and_is_nobody_elses(host: str) -> None:
    made = {new_audience(f"https://{host}") for _ in range(3)}
    assert len(made) == 3
    assert all(AUDIENCE.match(one) and re.search(r"_[0-9a-f]{16}\Z", one) for one in made)


def test_an_audience_of_others_is_refused(folder: Folder) -> None:
    with folder.store.write() as writing:
        writing.set_fact("audience", "pypi")
    with pytest.raises(Misuse, match="'pypi', which it may not be"):
        open_folder(folder.path, create=True)


def test_a_rehearsal_is_one_from_the_first_start_on_or_never(tmp_path: Path, folder: Folder) -> None:
    with pytest.raises(Misuse, match="no rehearsal, and cannot become one"):
        open_folder(folder.path, create=True, rehearsal=True)
    with open_folder(tmp_path / "play", create=True, rehearsal=True, public_url=URL) as opened:
        assert opened.rehearsal
    with open_folder(tmp_path / "play", create=True) as opened:
        assert opened.rehearsal


def test_admin_makes_no_index(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no index in the folder"):
        open_folder(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_does_not_become_an_index(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    with pytest.raises(Misuse, match="'pyproject.toml' in it"):
        open_folder(tmp_path, create=True, public_url=URL)
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_first_start_cut_short_is_taken_up(tmp_path: Path) -> None:
    for name in ("packages", "staging"):
        (tmp_path / name).mkdir()
    (tmp_path / "lock").touch()
    with closing(SqlStore(tmp_path / "index.db")) as store:
        store.upgrade()
    with pytest.raises(Misuse, match="never started"):
        open_folder(tmp_path, create=False)
    with open_folder(tmp_path, create=True, public_url=URL) as opened:
        assert opened.audience


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_path_that_cannot_be_a_folder_is_told_so(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misuse, match=r"not a folder|cannot be used: Not a directory"):
        open_folder(tmp_path / where, create=True, public_url=URL)


def test_a_folder_that_cannot_be_written_to_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system's word, because root, who may write anywhere, runs tests as well."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Misuse, match="cannot be written to"):
        open_folder(tmp_path, create=True, public_url=URL)


def test_a_newer_database_is_refused(folder: Folder) -> None:
    set_revision(folder.path, "9999")
    for create in (True, False):
        with pytest.raises(Misuse, match="written by a newer trustpub"):
            open_folder(folder.path, create=create)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "index.db")) as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(Misuse, match="not that of an index"):
        open_folder(tmp_path, create=True, public_url=URL)


def test_an_older_database_is_copied_upgraded_and_keeps_its_rows(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One revision more is put beside the real ones, as a later version of trustpub will have it."""
    migrations = tmp_path / "migrations"
    original = Path(sql_store.__file__).parent / "migrations"
    shutil.copytree(original, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    (migrations / "versions" / "9999_colours.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\nrevision = '9999'\ndown_revision = {head()!r}\n"
        "def upgrade():\n    op.add_column('users', sa.Column('colour', sa.Text()))\n"
    )
    folder.people.add("Anna")
    before = head()
    monkeypatch.setattr(sql_store, "_MIGRATIONS", migrations)
    with pytest.raises(Misuse, match="of an older trustpub"):
        open_folder(folder.path, create=False)
    with open_folder(folder.path, create=True) as upgraded:
        copy = folder.path / f"index.db.before-{before}"
        said = f"The database was upgraded from schema {before} to 9999; as it was before, it is in {copy}."
        assert upgraded.said == (said,)
        assert [one.name for one in upgraded.people.all()] == ["Anna"]
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(before,)]
        assert database.execute("SELECT name FROM users").fetchall() == [("Anna",)]
    monkeypatch.undo()
    with pytest.raises(Misuse, match="newer"):
        open_folder(folder.path, create=True)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_can_read_is_refused(folder: Folder, mode: int) -> None:
    (folder.path / "secret").chmod(mode)
    with pytest.raises(Misuse, match=f"mode is {mode:04o}, not 0600") as refused:
        open_folder(folder.path, create=True)
    assert refused.value.hint is not None
    assert "chmod 600" in refused.value.hint


def test_a_swapped_or_lost_secret_is_noticed_at_the_start(folder: Folder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    secretfile.load(other, create=True)
    with pytest.raises(Misuse, match="not the one this index was made with"):
        open_folder(folder.path, create=True, secret_file=other)
    (folder.path / "secret").unlink()
    with pytest.raises(Misuse, match="no secret at"):
        open_folder(folder.path, create=True)
    assert not (folder.path / "secret").exists()
    with open_folder(folder.path, create=False) as opened:
        assert opened.people.all() == []


def test_a_secret_may_be_kept_elsewhere(tmp_path: Path) -> None:
    with open_folder(tmp_path / "index", create=True, public_url=URL, secret_file=tmp_path / "key") as opened:
        assert opened.root_keys.key_id
    assert not (tmp_path / "index" / "secret").exists()


@pytest.mark.parametrize("content", ["", "abc", "g" * 64, "a" * 63, "a" * 66, "a" * 300])
def test_a_secret_is_sixty_four_hex_digits(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Misuse, match="not a secret of this index") as refused:
        secretfile.load(path, create=True)
    assert not content or content not in str(refused.value)


def test_a_secret_is_a_plain_file(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="not a plain file"):
        secretfile.load(tmp_path, create=True)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(Misuse, match="not a plain file"):
        secretfile.load(tmp_path / "pipe", create=False)


def test_one_server_per_folder(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as lock:
        with pytest.raises(Misuse, match="just starting"), FolderLock(tmp_path):
            pass
        lock.tell({"pid": 42, "url": "https://index.example"})
        assert holder(tmp_path) == {"pid": 42, "url": "https://index.example"}
        with pytest.raises(Misuse, match="process 42 at https://index.example"), FolderLock(tmp_path):
            pass
    assert holder(tmp_path) is None
    with FolderLock(tmp_path):
        pass


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://Index.Example", "https://index.example"),
        ("https://index.example:8443/", "https://index.example:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_public_url_is_scheme_host_and_port(given: str, read: str) -> None:
    assert read_public_url(given) == read


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("https://index.example/pypi", "has a path, which clients drop"),
        ("http://index.example", "anybody could read"),
        ("index.example", "is not https://HOST"),
        ("https://", "is not https://HOST"),
        ("https://index.example:port", "is not https://HOST"),
        ("https://in dex.example", "is not https://HOST"),
        ("https://index.example\n", "is not https://HOST"),
        ("https://a:b@index.example", "has a user"),
        ("https://index.example?a=b", "has a user, a query"),
    ],
)
def test_a_public_url_is_nothing_else(given: str, sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        read_public_url(given)
