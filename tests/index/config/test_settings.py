# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Settings: from where they hold, and what is said of those that cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.errors import Misuse
from trustpub.index.configuration.reading import Source, read
from trustpub.index.configuration.table import SECTIONS, TABLE
from trustpub.index.configuration.whole import Wanted, place, wanted

from ..storage.conftest import Ran, Served  # noqa: TID252

Trustpub = Callable[..., Ran]
Serve = Callable[..., Served]
EXAMPLE = Path(__file__).parents[3] / "deploy" / "trustpub.toml"
SECRETS = [one for one in TABLE.values() if one.secret]


def settings(tmp_path: Path, text: str, env: dict[str, str] | None = None, **options: Any) -> Wanted:
    file = tmp_path / "trustpub.toml"
    file.write_text(text)
    return wanted(read(file=file, env=env or {}, given={"server.data": "d", **options}))


def complaint(tmp_path: Path, text: str, env: dict[str, str] | None = None, **options: Any) -> str:
    with pytest.raises(Misuse) as refused:
        settings(tmp_path, text, env, **options)
    return str(refused.value)


def test_the_command_line_beats_the_environment_that_the_file_and_that_the_default(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[server]\nport = 1\nhost = "127.0.0.2"\nworkers = 2\n')
    env = {"TRUSTPUB_SERVER_PORT": "2", "TRUSTPUB_SERVER_HOST": "127.0.0.3"}
    found = read(file=None, env={**env, "TRUSTPUB_CONFIG": str(file)}, given={"server.port": "3"})
    held = {key: found.held(f"server.{key}") for key in ("port", "host", "workers", "stop_seconds")}
    assert [(one.value, one.source) for one in held.values()] == [
        (3, Source.COMMAND_LINE),
        ("127.0.0.3", Source.ENVIRONMENT),
        (2, Source.FILE),
        (20, Source.DEFAULT),
    ]
    assert (held["port"].where, held["host"].where) == ("--port", "TRUSTPUB_SERVER_HOST")
    assert held["workers"].where == f"server.workers ({file}, line 4)"


def test_all_that_is_wrong_is_said_at_once_with_the_place_and_without_a_value(tmp_path: Path) -> None:
    text = """
[server]
port = "hunter2"
prot = 80
trusted_proxies = ["hunter2"]
public_url = "https://user:hunter2@index.example.org"
[sevrer]
[taking]
max_file_size = "hunter2"
upstream = "https://user:hunter2@pypi.org/simple/"
[mail]
smtp_url = "smtps://ada:hunter2@mail.example.org"
sender = "i@example.org"
password = "hunter2"
[sign_in]
issuer = "http://hunter2.example.org"
client_id = "x"
[gateway]
upstream = "ftp://hunter2"
[s3]
endpoint = "https://hunter2@s3.example.org"
download = "hunter2"
[log]
level = "hunter2"
"""
    env = {"TRUSTPUB_METRICS_PORT": "hunter2", "TRUSTPUB_SERVER_TLS_CRT": "hunter2"}
    said = complaint(tmp_path, text, env)
    assert "hunter2" not in said
    assert said.startswith("16 settings cannot be used:"), said
    file = tmp_path / "trustpub.toml"
    for line in (
        f"server.port ({file}, line 3) is a text, not a whole number. One from 0 to 65535.",
        f"server.prot ({file}, line 4) is no setting. Is port meant?",
        f"[sevrer] ({file}, line 7) is no section. Is server meant?",
        f"mail.password ({file}, line 14) is a secret, for which this file is no place.",
        "TRUSTPUB_METRICS_PORT is no whole number.",
        "TRUSTPUB_SERVER_TLS_CRT is no variable of a setting. Is TRUSTPUB_SERVER_TLS_CERT meant?",
    ):
        assert line in said, said


def test_secrets_are_in_files_of_their_own_or_in_variables(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("from a file\n")
    (tmp_path / "pw").chmod(0o600)
    text = '[gateway]\nupstream = "https://up.example.org/root/"\npassword_file = "pw"\n'
    found = settings(tmp_path, text).settings["gateway"]
    assert (found.password.reveal(), found.simple_url) == ("from a file", "https://up.example.org/root/simple/")
    found = settings(tmp_path, text, {"TRUSTPUB_GATEWAY_PASSWORD": "from a variable"}).settings["gateway"]
    assert found.password.reveal() == "from a variable"
    assert "from a variable" not in repr(found)
    (tmp_path / "pw").chmod(0o644)
    assert "everybody on this machine can read" in complaint(tmp_path, text)


@pytest.mark.parametrize("setting", SECRETS, ids=lambda one: one.path)
def test_no_secret_is_taken_from_the_file(tmp_path: Path, setting: Any) -> None:
    said = complaint(tmp_path, f'[{setting.section}]\n{setting.key} = "hunter2"\n')
    assert setting.variable in said
    assert f"{setting.path}_file" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server\n", "is not TOML, at line 1"),
        ("port = 1\n", "[port] (FILE, line 1) is no section"),
        ("server = 1\n", "server (FILE) is no section. Begin it with [server]."),
        ("[postgres]\npool = 3\n", "is given in vain. Name a file"),
        ("[s3]\nregion = 'x'\n", "is given in vain. Name the bucket"),
        ("[s3]\nbucket = 'x'\naccess_key = 'y'\n", "goes together with its secret"),
        ("[metrics]\nhost = '127.0.0.1'\n", "is given in vain"),
        ("[gateway]\nuser = 'x'\n", "is given in vain"),
        ("[server]\ntls_cert = 'a.pem'\n", "go together"),
        ("[server]\ntls_cert = 'a.pem'\ntls_key = 'b.pem'\n", "names a file that is not there"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, text: str, said: str) -> None:
    told = " ".join(complaint(tmp_path, text).split())
    assert said.replace("FILE", str(tmp_path / "trustpub.toml")) in told


def test_paths_in_the_file_are_relative_to_it_and_elsewhere_to_where_the_program_runs(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[server]\ndata = "index"\nsecret_file = "/run/secret"\n')
    found = place(read(file=file, env={}, given={}))
    assert (found.data, found.secret_file) == (tmp_path / "index", Path("/run/secret"))
    assert place(read(file=None, env={"TRUSTPUB_SERVER_DATA": "there"}, given={})).data == Path("there")


def test_every_setting_has_a_name_of_its_own_everywhere() -> None:
    for names in (
        [one.variable for one in TABLE.values()] + [one.also for one in TABLE.values() if one.also],
        [one.option for one in TABLE.values() if one.option],
    ):
        assert len(set(names)) == len(names)
    assert {one.section for one in TABLE.values()} == set(SECTIONS)
    assert all(re.fullmatch(r"[a-z0-9_]+", one.key) and one.sentence.endswith(".") for one in TABLE.values())


@given(st.sampled_from(sorted(TABLE)), st.text(alphabet="a1-./:[]=,\"' \n\x00é", max_size=12))
def test_whatever_is_in_a_variable_it_is_taken_or_refused_without_being_shown(path: str, text: str) -> None:
    setting = TABLE[path]
    found = read(file=None, env={setting.variable: f"{text}hunter2{text}"}, given={"server.data": "d"})
    said = ""
    with suppress(Misuse):
        try:
            wanted(found)
        except Misuse as refused:
            said = str(refused)
            raise
    assert "hunter2" not in said


def test_a_server_and_every_command_find_the_index_by_the_same_file(
    tmp_path: Path, serve: Serve, trustpub: Trustpub
) -> None:
    file = tmp_path / "trustpub.toml"
    file.write_text(f'[server]\ndata = "{tmp_path / "elsewhere"}"\nport = 0\n[taking]\nmax_file_size = "5M"\n')
    served = serve("--config", file, data=tmp_path / "elsewhere")
    assert served.told["data"] == str(tmp_path / "elsewhere")
    assert trustpub("admin", "user", "add", "ada", "--config", file).code == 0
    env = {"TRUSTPUB_CONFIG": str(file)}
    assert "ada" in trustpub("admin", "user", "list", env=env).out
    assert trustpub("admin", "check-files", env=env).code == 0
    told = json.loads(trustpub("admin", "settings", "--given", "--json", env=env).out)
    assert {one["setting"]: one["value"] for one in told} == {
        "server.data": f'"{tmp_path / "elsewhere"}"', "server.port": "0", "taking.max_file_size": '"5M"',
    }  # fmt: skip


def test_the_settings_command_shows_no_secret_and_no_value_that_cannot_be_used(
    tmp_path: Path, trustpub: Trustpub
) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[server]\ndata = "d"\n[mail]\nsmtp_url = "smtps://a:hunter2@b"\nsender = "i@example.org"\n')
    env = {"TRUSTPUB_MAIL_PASSWORD": "hunter2", "TRUSTPUB_S3_SECRET_KEY": "hunter2"}
    ran = trustpub("admin", "settings", "--config", file, env=env)
    assert "hunter2" not in ran.out + ran.err
    assert (ran.code, "mail.password" in ran.out) == (2, True)
    assert re.search(r"mail\.password +set +# TRUSTPUB_MAIL_PASSWORD", ran.out)
    assert re.search(r"mail\.smtp_url +cannot be used", ran.out)


def test_the_example_file_is_taken_as_it_stands_and_with_everything_that_is_commented_out(tmp_path: Path) -> None:
    found = read(file=EXAMPLE, env={}, given={})
    assert (found.faulty, found["server.data"]) == (False, Path("/var/lib/trustpub"))
    file = tmp_path / "all.toml"
    file.write_text(re.sub(r"^# (?=\[|[a-z0-9_]+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    found = read(file=file, env={}, given={})
    found.end()
    assert {one.section for one in TABLE.values() if found.given(one.path)} == set(SECTIONS)
