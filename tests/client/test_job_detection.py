# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which CI a job is recognised as, where variables of several are set, and what is said where none is."""

from __future__ import annotations

import importlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trustpub.ci import detection
from trustpub.ci.detection import KNOWN, detect
from trustpub.errors import NoIdentity
from trustpub.trust.issuers import PROVIDERS


@pytest.fixture
def jobs(make: Any, tmp_path: Path) -> dict[str, dict[str, str]]:
    """By module: the variables of a job that has an identity."""
    endpoint = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://runner.example/idtoken",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    }
    token = tmp_path / "token"
    token.write_text(make.jwt("x"))
    return {
        "forgejo": {"FORGEJO_ACTIONS": "true", **endpoint},
        "github": {"GITHUB_ACTIONS": "true", **endpoint},
        "gitlab": {"GITLAB_CI": "true"},
        "circleci": {"CIRCLECI": "true"},
        "buildkite": {"BUILDKITE": "true"},
        "azure": {
            "TF_BUILD": "True",
            "SYSTEM_OIDCREQUESTURI": "https://dev.azure.example/x",
            "SYSTEM_ACCESSTOKEN": "x",
        },
        "bitbucket": {"BITBUCKET_BUILD_NUMBER": "1"},
        "semaphore": {"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": make.jwt("https://o.semaphoreci.com")},
        "jenkins": {"JENKINS_URL": "https://jenkins.example/"},
        "kubernetes": {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "TRUSTPUB_KUBERNETES_TOKEN_FILE": str(token)},
        "google": {"GCE_METADATA_HOST": "metadata.google.internal"},
    }


def test_each_ci_is_recognised_by_its_own_variables_and_named_as_its_provider_is(
    jobs: dict[str, dict[str, str]],
) -> None:
    assert list(jobs) == [one.module for one in KNOWN]
    for module, env in jobs.items():
        assert PROVIDERS[module].title.startswith(detect(env).name)


def test_of_two_the_one_that_stands_first_is_it(jobs: dict[str, dict[str, str]]) -> None:
    assert len({detect(env).name for env in jobs.values()}) == len(jobs)
    for (first, one), (_, other) in pairwise(jobs.items()):
        assert detect({**other, **one}).name == detect(jobs[first]).name


def test_a_ci_that_is_recognised_and_has_no_identity_ends_the_search(jobs: dict[str, dict[str, str]]) -> None:
    with pytest.raises(NoIdentity, match="This is Azure Pipelines"):
        detect(jobs["google"] | {"TF_BUILD": "True"})


def test_where_there_is_none_everything_that_was_looked_for_is_named() -> None:
    with pytest.raises(NoIdentity) as caught:
        detect({"CI": "true", "NO_GCE_CHECK": "true"})
    for one in KNOWN:
        assert one.looks_for in caught.value.message


@pytest.mark.parametrize("known", KNOWN, ids=lambda one: one.module)
def test_the_signs_are_those_that_the_ci_is_recognised_by(known: detection.Known) -> None:
    module = importlib.import_module(f"trustpub.ci.{known.module}")
    assert known.signs == (() if known.module == "google" else (module.RECOGNISED_BY,))


def test_a_job_loads_no_ci_but_its_own() -> None:
    code = (
        "import sys; from trustpub.ci.detection import detect; detect({'GITLAB_CI': 'true'}); "
        "print(*sorted(name for name in sys.modules if name.startswith('trustpub.ci.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["trustpub.ci.detection", "trustpub.ci.gitlab", "trustpub.ci.unverified"]
