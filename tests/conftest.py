# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: nothing of the machine it runs on reaches it, and chance is repeatable."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Software whose job is to read the variables of a CI must not find those of the CI that tests it.
SCRUBBED = (
    "GITHUB_", "ACTIONS_", "RUNNER_", "GITLAB_", "CI_", "TRUSTPUB_", "TWINE_", "UV_", "XDG_", "PYTHON", "COV_",
    "FORGEJO_", "CIRCLE", "BUILDKITE", "TF_BUILD", "SYSTEM_", "BITBUCKET_", "SEMAPHORE", "JENKINS_", "KUBERNETES_",
    "GOOGLE_", "GCE_", "AWS_",
)  # fmt: skip
SCRUBBED_NAMES = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "SOURCE_DATE_EPOCH")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# What tells it where the network is must not lead away from this machine.
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

settings.register_profile(
    "ci", derandomize=True, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

STRICT = os.environ.get("STRICT", "") not in ("", "0")


@pytest.fixture(scope="session", autouse=True)
def a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HOME is an empty folder, and no variable of a CI, a client or a proxy is set."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(SCRUBBED) or name in (*SCRUBBED_NAMES, *CERTIFICATES) or name.lower() in PROXIES:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        yield home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With STRICT=1 a skip is a failure: what a full machine is for must run there."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and STRICT=1 allows none: {call.excinfo and call.excinfo.value}"
    return report
