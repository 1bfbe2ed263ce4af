# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents of this field tell people to type, typed: the same tools, the same requests, under bash."""

from __future__ import annotations

import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from trustpub.rehearsal.issuers import Account, GitLabIssuer, GoogleIssuer, Issuer, PipelineJob

from ..conftest import ROOT, TOKEN, Shop, run  # noqa: TID252 - pytest gives these folders no absolute name

HERE = Path(__file__).parent
TOOLS = ("bash", "curl", "jq")


def replay(shop: Shop, script: str, tmp_path: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as the documents have it: nothing but its variables say that the index is ours."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool.upper()} IS NOT HERE, so {script} was not replayed. Get it: apt install {tool}")
    for name in ("twine", "poetry"):
        if not (ROOT / ".venvs" / name / "bin" / name).exists():
            pytest.skip(f"THE REAL {name} IS NOT HERE, so {script} was not replayed. Get it: make clients")
    given = {
        "INDEX": shop.url,
        "CURL_CA_BUNDLE": str(shop.ca),
        "REQUESTS_CA_BUNDLE": str(shop.ca),
        "AUDIENCE": shop.audience,
        "TWINE": str(ROOT / ".venvs/twine/bin/twine"),
        "PYTHON_WITH_ID": str(ROOT / ".venvs/twine/bin/python"),
        "POETRY": str(ROOT / ".venvs/poetry/bin/poetry"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **env,
    }
    return subprocess.run(
        ["bash", str(HERE / script)], env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def published(shop: Shop, done: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    """The flow ended well, the index has the files, and no token is in the log but where the flow masks it."""
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("::add-mask::")]
    assert TOKEN.findall("\n".join(shown)) == []
    assert shop.install("hello", tmp_path / "target") == "hello from the index\n"


def dist(distributions: list[Path]) -> dict[str, str]:
    return {"DIST": str(distributions[0].parent), "PROJECT": str(distributions[0].parents[1])}


@pytest.mark.parametrize("script", ["github-by-hand.sh", "pypi-action.sh", "token-mint-action.sh"])
def test_a_job_of_github(shop: Shop, distributions: list[Path], tmp_path: Path, script: str) -> None:
    shop.register("hello")
    published(shop, replay(shop, script, tmp_path, {**shop.job_env, **dist(distributions)}), tmp_path)


def test_a_body_with_doubled_quotes_is_told_to_be_no_json(
    shop: Shop, distributions: list[Path], tmp_path: Path
) -> None:
    shop.register("hello")
    done = replay(shop, "github-by-hand-quoted.sh", tmp_path, {**shop.job_env, **dist(distributions)})
    assert done.stdout.startswith("invalid-payload: ")
    assert "JSON" in done.stdout
    assert TOKEN.findall(done.stdout + done.stderr) == []


def test_a_job_of_gitlab(open_shop: Callable[[str, Issuer], Shop], distributions: list[Path], tmp_path: Path) -> None:
    job = PipelineJob(project_path="acme/hello", project_id="22", namespace_id="72")
    with GitLabIssuer(clock=time.time) as issuer:
        shop = open_shop("gitlab", issuer)
        fields = {"namespace": "acme", "project": "hello", "workflow_filepath": job.file}
        shop.register_as("gitlab", "hello", {**fields, "project_id": "22", "namespace_id": "72"})
        variables = {name: token.reveal() for name, token in issuer.variables(job, shop.audience).items()}
        env = {"GITLAB_CI": "true", **variables, **dist(distributions)}
        published(shop, replay(shop, "gitlab-job.sh", tmp_path, env), tmp_path)


INSIDE = "A_MACHINE_OF_GOOGLE_CLOUD"


def test_a_machine_of_google_cloud(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The id package asks a host called `metadata`, at port 80, on machines whose firmware says Google.

    So the test runs itself once more where that is so: in a network of its own, with names of its own.
    """
    if os.environ.get(INSIDE):
        request.getfixturevalue("a_release_on_google_cloud")
        return
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("NOT ROOT, or no unshare, so PyPI's flow for Google Cloud was not replayed. Run as root to test it")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost metadata metadata.google.internal\n", encoding="utf-8")
    prepare = (
        'python3 -c "$LOOPBACK_UP" && mount --bind "$HOSTS" /etc/hosts && mount -t tmpfs none /sys/class && '
        "mkdir -p /sys/class/dmi/id && echo 'Google Compute Engine' >/sys/class/dmi/id/product_name && exec \"$@\""
    )
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", request.node.nodeid]
    run(
        ["unshare", "--net", "--mount", "bash", "-c", prepare, "bash", *again],
        env={INSIDE: "1", "HOSTS": str(tmp_path / "hosts"), "LOOPBACK_UP": LOOPBACK_UP},
        cwd=request.config.rootpath,
    )


LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sH14s", b"lo", 0x41, b""))  # SIOCSIFFLAGS: up and running
"""


@pytest.fixture
def a_release_on_google_cloud(
    open_shop: Callable[[str, Issuer], Shop], distributions: list[Path], tmp_path: Path
) -> None:
    """The flow itself, where `metadata` leads to this machine."""
    account = Account(email="ci@proj.iam.gserviceaccount.com", sub="117306")
    with GoogleIssuer(clock=time.time) as issuer, forwarded(80, issuer.metadata_host):
        issuer.serve(account)
        shop = open_shop("google", issuer)
        shop.register_as("google", "hello", {"email": account.email, "sub": account.sub})
        env = {**dist(distributions), "ACCOUNT": str(tmp_path / "account")}
        published(shop, replay(shop, "google-cloud.sh", tmp_path, env), tmp_path)
        assert (tmp_path / "account").read_text(encoding="utf-8") == f"{account.email}\n"


@contextmanager
def forwarded(port: int, target: str) -> Iterator[None]:
    """Until the end of the block, what comes to ``port`` of this machine goes on to ``target``."""

    class Onward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            host, _, number = target.partition(":")
            with socket.create_connection((host, int(number))) as there:
                back = threading.Thread(target=copy, args=(there, self.request), daemon=True)
                back.start()
                copy(self.request, there)
                back.join()

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", port), Onward) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_the_table_lists_every_script_and_every_test() -> None:
    listed = tomllib.loads((HERE / "flows.toml").read_text(encoding="utf-8"))["flow"]
    scripts = {one["script"] for one in listed if "script" in one}
    assert scripts == {path.name for path in HERE.glob("*.sh")}
    for one in listed:
        assert one.get("test") or one.get("reason"), one["flow"]
        if "test" in one:
            file, _, name = one["test"].partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs/reference/documented-flows.md").read_text(encoding="utf-8")
    for one in tomllib.loads((HERE / "flows.toml").read_text(encoding="utf-8"))["flow"]:
        assert re.search(rf"^\| {re.escape(one['document'])} \| {re.escape(one['flow'])} \|", page, re.MULTILINE)
