# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pod of Kubernetes: the cluster keeps a fresh token in a file that was mounted for publishing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trustpub.ci import kubernetes
from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "NO_GCE_CHECK": "true"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the token is."""
    return tmp_path / "token"


@pytest.mark.parametrize("audience", ["test_index", ["test_index"]])
@pytest.mark.parametrize("end", ["", "\n"])
def test_the_file_that_is_named_holds_the_pods_identity(
    http: Http, make: Any, file: Path, audience: Any, end: str
) -> None:
    file.write_text(make.jwt(audience) + end)
    job = detect({**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(file)})
    assert (job.name, job.renews, job.fixed_audience) == ("Kubernetes", False, None)
    assert job.identity_token(http, "test_index").reveal() == make.jwt(audience)


def test_a_token_that_the_cluster_put_in_its_place_is_read(http: Http, make: Any, file: Path) -> None:
    file.write_text(make.jwt("test_index", iat=1))
    job = detect({**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(file)})
    assert job.identity_token(http, "test_index").reveal() == make.jwt("test_index", iat=1)
    file.write_text(make.jwt("test_index", iat=2))
    assert job.identity_token(http, "test_index").reveal() == make.jwt("test_index", iat=2)


def test_a_file_at_the_usual_place_is_found(http: Http, make: Any, file: Path) -> None:
    assert kubernetes.detect(POD, usual=file) is None
    file.write_text(make.jwt("test_index"))
    job = kubernetes.detect(POD, usual=file)
    assert job is not None
    assert job.identity_token(http, "test_index").reveal() == make.jwt("test_index")
    assert kubernetes.detect({}, usual=file) is None


def test_a_pod_without_either_is_no_job() -> None:
    with pytest.raises(NoIdentity, match="KUBERNETES_SERVICE_HOST and a projected token"):
        detect(POD)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "not a JSON Web Token"),
        (b"x" * 20_000, "not a JSON Web Token"),
        (b"e30.e30.e30", "not for the audience"),
    ],
)
def test_a_file_that_holds_no_such_token_is_told(http: Http, file: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NoIdentity, match=problem) as caught:
        detect({**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(file)}).identity_token(http, "test_index")
    assert "{path: token, audience: test_index, expirationSeconds: 3600}" in str(caught.value.hint)
    assert f"mountPath: {file.parent}" in str(caught.value.hint)


@pytest.mark.parametrize("audience", ["elsewhere", ["test_index", "https://kubernetes.default.svc"], None])
def test_a_token_for_others_is_not_shown(http: Http, make: Any, file: Path, audience: Any) -> None:
    file.write_text(make.jwt(audience))
    with pytest.raises(NoIdentity, match="not for the audience"):
        detect({**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(file)}).identity_token(http, "test_index")


def test_a_folder_is_told(http: Http, tmp_path: Path) -> None:
    with pytest.raises(NoIdentity, match="cannot be read"):
        detect({**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(tmp_path)}).identity_token(http, "test_index")


def test_a_token_is_minted_from_a_pod(run: Any, index: Any, make: Any, file: Path) -> None:
    file.write_text(make.jwt(["test_index"]))
    env = {**POD, "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(file), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    assert "Kubernetes vouches for this job" in ran.err
