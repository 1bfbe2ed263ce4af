# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor asks an index and GitHub, each played by a server on loopback, and what it makes of the answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trustpub.http import Http
from trustpub.secret import Secret
from trustpub.workflow import doctor
from trustpub.workflow.findings import Finding
from trustpub.workflow.online import Addresses, Asking

from .snippets import PYPROJECT, STEP, Case, write
from .test_command import run

PUBLISHED_BY = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml", "environment": "pypi"}
OBJECT, COMMIT = "1" * 40, "2" * 40


class Others:
    """An index and GitHub, on one port; what is not set is not there."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, str | None]] = []
        others = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                others.asked.append((self.path, self.headers["Authorization"]))
                answer = others.answers.get(self.path)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(404 if answer is None else 500 if answer == b"broken" else 200)
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def published(self, publisher: dict[str, str], name: str = "demo-pkg") -> None:
        """Two files, the newest by ``publisher``."""
        self.answers[f"/simple/{name}/"] = {
            "files": [
                {"filename": "new.whl", "upload-time": "2026-02-01T00:00:00Z", "provenance": f"{self.url}/p/new"},
                {"filename": "old.whl", "upload-time": "2026-01-01T00:00:00Z", "provenance": f"{self.url}/p/old"},
            ]
        }
        self.answers["/p/new"] = {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": []}]}


@pytest.fixture
def others() -> Iterator[Others]:
    made = Others()
    yield made
    made.close()


def project(root: Path, others: Others, *, name: str = "demo-pkg", **more: Any) -> Path:
    """One that publishes to the index of ``others``."""
    step = (STEP, f"{STEP}        with:\n          repository-url: {others.url}/legacy/\n")
    declared = f'[tool.trustpub.indexes.packages]\nurl = "{others.url}/legacy/"\n'
    pyproject = PYPROJECT.replace("demo-pkg", name) + declared
    case = Case(rule="", what="", finds=True, changes=(step,), pyproject=pyproject, **more)
    return write(root, case)


def asked(root: Path, others: Others, token: str | None = None) -> tuple[list[Finding], list[str]]:
    addresses = Addresses(
        simple={"packages": f"{others.url}/simple/"},
        github=others.url,
        github_api=others.url,
        token=None if token is None else Secret(token),
    )
    with Http(env={}) as http:
        asking = Asking(http, addresses)
        return list(asking.findings(doctor.examine(root)[0])), asking.unanswered


REMOTE = "https://github.com/acme/demo"


def test_the_identity_that_published_last_is_this_one(tmp_path: Path, others: Others) -> None:
    others.published(PUBLISHED_BY)
    assert asked(project(tmp_path, others, remote=REMOTE), others)[0] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workflow": "publish.yml"}, "the workflow was publish.yml, and is release.yml"),
        ({"repository": "acme/old"}, "the repository was acme/old, and is acme/demo"),
        ({"environment": "release"}, "the environment was release, and is pypi"),
    ],
)
def test_a_drift_from_the_identity_that_published_last_is_named(
    tmp_path: Path, others: Others, change: dict[str, str], said: str
) -> None:
    others.published({**PUBLISHED_BY, **change})
    (found,), _ = asked(project(tmp_path, others, remote=REMOTE), others)
    assert (found.ident, found.severity) == ("TP150", "error")
    assert said in found.message
    assert "new.whl" in found.message


@pytest.mark.parametrize("publisher", [{"kind": "GitLab", "repository": "x"}, {}])
def test_publishers_of_other_kinds_are_no_drift(tmp_path: Path, others: Others, publisher: dict[str, str]) -> None:
    others.published(publisher)
    assert asked(project(tmp_path, others), others)[0] == []


def test_a_project_that_is_not_there_yet_wants_a_pending_publisher(tmp_path: Path, others: Others) -> None:
    (found,), _ = asked(project(tmp_path, others), others)
    assert (found.ident, found.severity) == ("TP151", "advice")
    assert "pending" in str(found.fix)


def test_a_project_that_can_never_be_there_is_an_error(tmp_path: Path, others: Others) -> None:
    (found,), _ = asked(project(tmp_path, others, name="Json"), others)
    assert (found.ident, found.severity) == ("TP151", "error")


def refs(*lines: str) -> bytes:
    return b"".join(f"{len(line) + 5:04x}{line}\n".encode() for line in ("# service=git-upload-pack", *lines))


def test_a_pin_to_a_tag_object_is_found_with_the_tags_of_the_repository(tmp_path: Path, others: Others) -> None:
    others.published(PUBLISHED_BY)
    listed = refs(f"{OBJECT} refs/tags/v9", f"{COMMIT} refs/tags/v9^{{}}", f"{COMMIT} refs/tags/light")
    others.answers["/actions/download-artifact.git/info/refs?service=git-upload-pack"] = listed
    root = project(tmp_path, others)
    path = root / ".github" / "workflows" / "release.yml"
    path.write_text(path.read_text("utf-8").replace("c" * 40, OBJECT), "utf-8")
    found, _ = asked(root, others)
    assert [(one.ident, one.line) for one in found] == [("TP303", 31)]
    assert [edit.text for edit in found[0].edits] == [f"actions/download-artifact@{COMMIT}"]
    path.write_text(path.read_text("utf-8").replace(OBJECT, COMMIT), "utf-8")
    assert asked(root, others)[0] == []


@pytest.mark.parametrize(
    ("rules", "branches", "policies", "said"),
    [
        ([{"type": "required_reviewers"}], {"custom_branch_policies": True}, [{"type": "tag"}], None),
        ([], {"custom_branch_policies": True}, [{"type": "tag"}], "nobody has to approve"),
        ([{"type": "required_reviewers"}], None, [], "every branch and tag"),
        (
            [{"type": "required_reviewers"}],
            {"custom_branch_policies": True},
            [{"type": "branch"}],
            "no tag may release",
        ),
    ],
)
def test_the_rules_of_an_environment_are_looked_at_with_a_token(
    tmp_path: Path, others: Others, rules: list[Any], branches: Any, policies: list[Any], said: str | None
) -> None:
    others.published(PUBLISHED_BY)
    others.answers["/repos/acme/demo/environments/pypi"] = {
        "protection_rules": rules, "deployment_branch_policy": branches,
    }  # fmt: skip
    others.answers["/repos/acme/demo/environments/pypi/deployment-branch-policies"] = {"branch_policies": policies}
    found, _ = asked(project(tmp_path, others, remote=REMOTE), others, token="the-token")
    assert [one.ident for one in found] == (["TP153"] if said else [])
    assert said is None or said in found[0].message
    assert all((given is not None) == path.startswith("/repos/") for path, given in others.asked)


def test_an_environment_that_is_not_there_is_said(tmp_path: Path, others: Others) -> None:
    others.published(PUBLISHED_BY)
    (found,), _ = asked(project(tmp_path, others, remote=REMOTE), others, token="the-token")
    assert "has no environment 'pypi'" in found.message


@pytest.mark.parametrize("answer", [b"broken", b"<html>"])
def test_who_does_not_answer_is_named_and_nothing_is_found(tmp_path: Path, others: Others, answer: bytes) -> None:
    others.answers["/simple/demo-pkg/"] = answer
    found, unanswered = asked(project(tmp_path, others), others)
    assert found == []
    assert any("localhost" in one for one in unanswered)


def test_the_command_asks_nobody_without_being_told(tmp_path: Path, others: Others) -> None:
    others.published({**PUBLISHED_BY, "workflow": "publish.yml"})
    root = project(tmp_path, others)
    env: Any = {"GITHUB_SERVER_URL": others.url, "GITHUB_API_URL": others.url, "THE_TOKEN": "x"}
    assert run(root, **env).code == 0
    assert others.asked == []
    ran = run(root, "--online", "--github-token", "THE_TOKEN", "--format", "json", **env)
    assert ran.code == 1
    assert "TP150" in {one["ident"] for one in ran.findings}
    assert "warning: localhost" in ran.err
    assert run(root, "--online", "--github-token", "NO_SUCH", **env).code == 2
