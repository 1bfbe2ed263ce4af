# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real indexes, filled by a real client, become this one; real pip installs from it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Misuse
from trustpub.index.adapters.sources.devpi import INDEX_FILE, list_export
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.browse.origins import origin_of
from trustpub.index.imports.bringing import IMPORTED, REFUSED

from ..beside import running  # noqa: TID252 - pytest gives these folders no absolute name
from .conftest import URL, Trustpub, bring, find, put, rows, sdist, wheel, wheel_name, wrong

WHEEL = wheel_name()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def upload(twine: str, url: str, files: list[Path], user: str = "ada") -> None:
    command = [twine, "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url]
    run([*command, *map(str, files)], TWINE_USERNAME=user, TWINE_PASSWORD="stored")


def check_installs(data: Path, target: Path, requirement: str = "hello==1.0") -> None:
    """Real pip installs the module ``hello`` from our server on this folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", str(port), "--public-url", url]
    with running(command, f"{url}/healthz", target.with_name("serve.log")):
        pip = [sys.executable, "-m", "pip", "install", "--isolated", "--no-deps", "--no-cache-dir", "-q"]
        run([*pip, "--target", str(target), "--index-url", f"{url}/simple/", requirement])
    said = run([sys.executable, "-c", "import hello; print(hello.SAID)"], PYTHONPATH=str(target)).stdout
    assert said == "hello\n"


def test_what_pypiserver_served_is_served_here(tmp_path: Path, trustpub: Trustpub) -> None:
    port, dist = free_port(), tmp_path / "dist"
    roots = [tmp_path / "packages", tmp_path / "more"]
    for root in roots:
        root.mkdir()
    files = [put(dist / WHEEL, wheel()), put(dist / "hello-1.0.tar.gz", sdist())]
    url = f"http://127.0.0.1:{port}/"
    command = [find("pypiserver", "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port), "-a", ".", "-P", "."]
    with running([*command, "--disable-fallback", *map(str, roots)], url, tmp_path / "server.log"):
        upload(find("twine", "twine"), url, files)
        # Of two files of a name it serves the one of the first root.
        put(roots[1] / WHEEL, wheel(said="another"), at=time.time() + 60)
        put(roots[1] / "hello-1.1.zip", b"PK")
        with urllib.request.urlopen(f"{url}simple/hello/", timeout=20) as answer:
            listed = answer.read().decode()
    assert listed.count(WHEEL) > 0
    data = tmp_path / "index"
    into = ("--data", data, "--public-url", URL, "--owner", "ada")
    done = trustpub("admin", "import", "pypiserver", *roots, *into, "--json")
    told = json.loads(done.out)
    assert (done.code, told["imported"]) == (1, 2)
    assert {Path(one["file"]).name for one in told["refused"]} == {WHEEL, "hello-1.1.zip"}
    with open_folder(data, create=False) as folder:
        for path in files:
            assert rows(folder)[path.name].uploaded == pytest.approx((roots[0] / path.name).stat().st_mtime, abs=1e-3)
        assert wrong(folder) == []
    check_installs(data, tmp_path / "site")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What devpi-export wrote of ada/dev, with two releases, and of ada/prod, to which one of them was pushed."""
    above, port = tmp_path_factory.mktemp("devpi"), free_port()
    server, url = above / "server", f"http://127.0.0.1:{port}"
    run([find("devpi-server", "devpi-init"), "--serverdir", str(server), "--no-root-pypi"])
    command = [find("devpi-server", "devpi-server"), "--serverdir", str(server), "--host", "127.0.0.1"]
    with running([*command, "--port", str(port)], url, above / "devpi.log"):
        asked(f"{url}/ada", "PUT", {"password": "stored"})
        login = asked(f"{url}/+login", "POST", {"user": "ada", "password": "stored"})
        known = ("ada", login["result"]["password"])
        for index in ("dev", "prod"):
            asked(f"{url}/ada/{index}", "PUT", {"type": "stage", "bases": []}, known)
        files = [put(above / WHEEL, wheel()), put(above / "hello-1.0.tar.gz", sdist())]
        files.append(put(above / wheel_name(version="1.1"), wheel(version="1.1")))
        upload(find("twine", "twine"), f"{url}/ada/dev/", files)
        pushed = {"name": "hello", "version": "1.0", "targetindex": "ada/prod"}
        asked(f"{url}/ada/dev", "PUSH", pushed, known)
    run([find("devpi-server", "devpi-export"), "--serverdir", str(server), str(above / "export")])
    return above / "export"


@pytest.fixture
def export(exported: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(exported, tmp_path / "export")


def asked(url: str, method: str, document: Any, known: tuple[str, str] | None = None) -> Any:
    """One request of devpi's own interface."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if known:
        headers["X-Devpi-Auth"] = base64.b64encode(":".join(known).encode()).decode()
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_what_devpi_exported_is_served_here(export: Path, tmp_path: Path, trustpub: Trustpub) -> None:
    data = tmp_path / "index"
    into = ("--data", data, "--public-url", URL, "--owner", "ada")
    unclear = trustpub("admin", "import", "devpi", export, *into)
    assert (unclear.code, data.exists()) == (2, False)
    assert "several indexes with files: 'ada/dev', 'ada/prod'" in unclear.err
    wanted = ("--index", "ada/prod", "--index", "ada/dev")
    done = trustpub("admin", "import", "devpi", export, *wanted, *into, "--json")
    assert (done.code, done.err) == (0, "• A new index was made.\n")
    told = json.loads(done.out)
    # What was pushed from one index to the other is one file.
    assert (told["imported"], told["there"], told["refused"]) == (3, 2, [])
    with open_folder(data, create=False) as folder:
        found = rows(folder)
        assert set(found) == {WHEEL, "hello-1.0.tar.gz", wheel_name(version="1.1")}
        entries = json.loads((export / INDEX_FILE).read_text())["indexes"]["ada/dev"]["files"]
        when = {Path(one["relpath"]).name: one["log"][0]["when"] for one in entries}
        for name, row in found.items():
            assert list(time.gmtime(row.uploaded)[:6]) == when[name]
            assert origin_of(row, {}).label == "imported from devpi, where ada uploaded it"
        assert wrong(folder) == []
    check_installs(data, tmp_path / "site")


def test_an_export_that_is_damaged_is_taken_as_far_as_it_is_whole(export: Path, tmp_path: Path) -> None:
    """Bytes changed, a file gone, a path that leads elsewhere, a release yanked, as in exports of mirrors."""
    path = export / INDEX_FILE
    document = json.loads(path.read_text())
    index = document["indexes"]["ada/dev"]
    index["projects"]["hello"]["1.1"]["yanked"] = "it is broken"
    by_name = {Path(one["relpath"]).name: one for one in index["files"]}
    (export / by_name["hello-1.0.tar.gz"]["relpath"]).write_bytes(sdist(version="1.0", contents={"PKG-INFO": b"?"}))
    (export / by_name[WHEEL]["relpath"]).unlink()
    outside = put(tmp_path / "outside-1.0-py3-none-any.whl", wheel("outside"))
    for relpath in (f"../{outside.name}", str(outside), "link/outside-1.0-py3-none-any.whl", "", "a\0b"):
        index["files"].append({"relpath": relpath, "type": "releasefile", "projectname": "outside", "version": "1.0"})
    (export / "link").symlink_to(tmp_path)
    index["files"].append({"relpath": "ada/dev/hello-1.0.doc.zip", "type": "doczip", "projectname": "hello"})
    path.write_text(json.dumps(document))
    listing = list_export(export, ["ada/dev"])
    assert len(listing.missing) == 6
    assert sum("leads out of its folder" in one.reason for one in listing.missing) == 5
    assert "documentation" in listing.passed_over[0].reason
    with open_folder(tmp_path / "index", create=True, public_url=URL) as folder:
        folder.people.add("ada")
        outcomes = {one.found.filename: one for one in bring(folder, listing)}
        assert {name: one.state for name, one in outcomes.items()} == {
            "hello-1.0.tar.gz": REFUSED,
            wheel_name(version="1.1"): IMPORTED,
        }
        assert "ada/prod" in [one.place for one in listing.passed_over]
        (row,) = rows(folder).values()
        assert row.yanked == "it is broken"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is no export of devpi"),
        ("{", "is not JSON"),
        ("[]", "says of no indexes"),
        ('{"indexes": []}', "says of no indexes"),
        ('{"indexes": {"a/b": 1}}', "says of no indexes"),
        ('{"indexes": {}, "dumpversion": "3"}', "understood are 1 and 2"),
    ],
)
def test_what_is_no_export_is_said_to_be_none(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / INDEX_FILE).write_text(content)
    with pytest.raises(Misuse, match=said):
        list_export(tmp_path)


def test_an_export_of_any_shape_is_read_or_refused_and_never_trips(tmp_path: Path) -> None:
    """Every value of an entry replaced, in turn, by what should not be there."""
    put(tmp_path / WHEEL, wheel())
    entry = {
        "relpath": WHEEL, "type": "releasefile", "projectname": "hello", "version": "1.0",
        "entrymapping": {"last_modified": "Sat, 21 Nov 2026 22:50:10 GMT", "hashes": {}, "hash_spec": "md5=0"},
        "log": [{"what": "upload", "who": "ada", "when": [2020, 1, 2, 3, 4, 5]}],
    }  # fmt: skip
    for name in [*entry, "when", "last_modified", "hashes"]:
        for odd in (None, 1, -1.5, "x", [], {}, [None] * 6, [10**30] * 6, {"sha256": 5}, "\ud800"):
            changed: dict[str, Any] = json.loads(json.dumps(entry))
            if name == "when":
                changed["log"][0]["when"] = odd
            elif name in ("last_modified", "hashes"):
                changed["entrymapping"][name] = odd
            else:
                changed[name] = odd
            index = {"projects": {"hello": {"1.0": {"yanked": odd}}}, "files": [changed]}
            document = {"dumpversion": 2, "indexes": {"a/b": index}}
            (tmp_path / INDEX_FILE).write_text(json.dumps(document))
            listing = list_export(tmp_path, ["a/b"])
            assert len(listing.files) + len(listing.missing) + len(listing.passed_over) == 1
