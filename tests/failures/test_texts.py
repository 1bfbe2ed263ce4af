# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every class of failure is known by what programs print of it; what they print of something else is no failure."""

from __future__ import annotations

import pytest

from trustpub.failures.explain import explain
from trustpub.failures.log import read
from trustpub.failures.table import FAILURES

CLAIMS = """
* `repository`: `acme/demo`
* `workflow_ref`: `acme/demo/.github/workflows/release.yml@refs/tags/v1`
* `job_workflow_ref`: `acme/demo/.github/workflows/upload.yml@refs/tags/v1`
* `environment`: `MISSING`
"""

TEXTS = (
    ("environment-differs", "* `invalid-publisher`: Check failed for optional claim 'environment'"),
    ("reusable-workflow", "* `invalid-publisher`: valid token, but no corresponding publisher" + CLAIMS),
    ("reusable-workflow", "The claims in this token suggest that the calling workflow is a reusable workflow."),
    (
        "attestation-of-reusable-workflow",
        (
            "400 Invalid attestations supplied during upload: Could not verify: Certificate's Build Config URI "
            "(https://github.com/a/b/.github/workflows/release.yml@refs/tags/v1) does not match expected Trusted "
            "Publisher (upload.yml @ a/b)"
        ),
    ),
    ("custom-subject", "Check failed for required claim 'sub'"),
    ("pending-publisher-and-project", "* `invalid-pending-publisher`: valid token, but project already exists"),
    (
        "pending-publisher-taken",
        "A pending trusted publisher matching this configuration has already been registered for a different project",
    ),
    ("name-not-allowed", "`invalid-payload`: The name 'smaple' is too similar to an existing project"),
    ("name-not-allowed", "400 The name 'json' isn't allowed. See https://pypi.org/help/#project-name"),
    ("token-for-other-project", "403 Invalid API Token: OIDC scoped token is not valid for project 'demo-core'"),
    (
        "token-for-other-project",
        (
            "Non-user identities cannot create new projects. This was probably caused by successfully using a pending "
            "publisher but specifying the project name incorrectly"
        ),
    ),
    ("issuer-unknown", '{"errors": [{"code": "invalid-payload", "description": "unknown trusted publishing issuer"}]}'),
    ("token-reused", "* `invalid-reuse-token`: invalid token: already used"),
    ("wrong-audience", "error: the audience of the identity token is not this index's"),
    ("token-expired", "sigstore.oidc.ExpiredIdentity"),
    ("pull-request-target", "Publishing from a workflow invoked via 'pull_request_target' is not supported."),
    ("cause-not-told", "invalid-publisher: valid token, but no corresponding publisher"),
    (
        "fork-has-no-identity",
        "The workflow context indicates that this action was called from a pull request on a fork.",
    ),
    (
        "caller-grants-too-little",
        "The nested job 'upload' is requesting 'id-token: write', but is only allowed 'id-token: none'.",
    ),
    (
        "no-id-token",
        (
            "OpenID Connect token retrieval failed: GitHub: missing or insufficient OIDC token permissions, the "
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN environment variable was unset"
        ),
    ),
    ("no-id-token", "error: Failed to obtain OIDC token: is the `id-token: write` permission missing?"),
    (
        "password-in-the-way",
        "The workflow was run with the 'attestations: true' input, but an explicit password was also set",
    ),
    ("client-without-trusted-publishing", "error: Missing credentials for https://upload.pypi.org/legacy/"),
    ("client-without-trusted-publishing", "NonInteractive: Credential not found for username."),
    ("action-needs-docker", "This action is only able to run under GNU/Linux environments"),
    ("action-needs-docker", "/usr/bin/bash: line 1: docker: command not found"),
    ("action-in-composite", "Unable to find image 'ghcr.io/acme/demo:v1.4.0' locally"),
    (
        "pin-without-image",
        "docker: Error response from daemon: manifest unknown. ghcr.io/pypa/gh-action-pypi-publish:6733eb7d",
    ),
    (
        "nothing-to-publish",
        "It looks like there are no Python distribution packages to publish in the directory 'dist/'.",
    ),
    ("nothing-to-publish", "Unable to download artifact(s): Artifact not found for name: dist"),
    ("local-version", "400 The use of local versions in <Version('0.1.dev1+g40e3ce6')> is not allowed."),
    ("tag-is-not-the-version", "error: The tag v1.3 does not match the version 1.2 in the files; it would be v1.2."),
    (
        "metadata-too-new",
        "InvalidDistribution: Metadata is missing required fields: Name, Version. Make sure the distribution includes",
    ),
    ("filename-not-normal", "400 Filename 'a-b-1.0.tar.gz' is invalid, should be 'a_b-1.0.tar.gz'."),
    ("too-large", "400 File too large. Limit for project 'demo' is 100 MB."),
    ("description-does-not-render", "400 The description failed to render for 'text/x-rst'."),
    ("event-of-github-token", "gh run list: no runs found for release.yml"),
    (
        "protection-rules",
        'Tag "v0.10.0" is not allowed to deploy to release due to environment protection rules.',
    ),
    ("immutable-release", "HTTP 422: Cannot upload assets to an immutable release."),
    ("file-exists", "400 File already exists ('demo-1.0.tar.gz', with blake2_256 hash 'ab12')."),
    ("partly-published", "error: connection lost\nOn the index:\n  a.whl\nNot on the index:\n  b.whl"),
    ("token-ran-out", "403 Forbidden: the upload token has expired"),
    ("index-down", "503 Service Unavailable"),
    ("attestation-exists", "Attestation generation failure: dist/x.tar.gz already has a publish attestation"),
    ("signing-down", "sigstore.errors.TUFError: Failed to refresh TUF metadata"),
    ("attestation-not-supported", "Upload with attestations requested, but dist/x.zip has no associated attestations"),
    ("gitlab-token-variable", "GitLab: OIDC token environment variable TESTPYPI_ID_TOKEN not found"),
    ("identity-as-password", "$ uv publish --token $PYPI_ID_TOKEN"),
    ("google-account", "Check failed for required claim 'email'"),
    ("wrong-upload-url", "413 Request Entity Too Large from https://pypi.org/legacy/"),
    ("index-without-trusted-publishing", "404 Client Error: Not Found for url: https://idx.example/_/oidc/audience"),
    ("provider-not-supported", "No OIDC token discovered: are you in a supported trusted publishing environment?"),
    ("no-access-to-the-index", "I do not have access to the PyPI project, only an owner of the project can add it"),
    ("untrusted-certificate", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"),
    ("publisher-without-environment", "Please constrain this Trusted Publisher to the environment 'pypi'"),
    ("identity-in-a-busy-job", "warning[excessive-permissions]: overly broad permissions"),
)

BY_DECLARATION = {
    "workflow-differs", "letter-case", "repository-renamed", "repository-recreated", "nothing-registered",
}  # fmt: skip
"""Known only beside the publisher that a project declares: see test_explain.py."""

NO_FAILURES = (
    "Successfully built demo-1.0.tar.gz and demo-1.0-py3-none-any.whl",
    "• demo-1.0-py3-none-any.whl is on the index (5,123 bytes)",
    "permissions:\n  id-token: write\nenvironment: pypi",
    "Uploading demo-1.0.tar.gz 100% 12.3/12.3 kB\nView at: https://pypi.org/project/demo/1.0/",
    "collected 404 items\n500 passed in 20 s",
    "docker: pulling image ghcr.io/pypa/gh-action-pypi-publish:cef221092ed1bacb1cc03d23a2d87d1d172e277b",
    "repository: acme/demo\nenvironment: none",
)


@pytest.mark.parametrize(("ident", "text"), TEXTS, ids=[f"{number}-{one[0]}" for number, one in enumerate(TEXTS)])
def test_what_programs_print_is_known(ident: str, text: str) -> None:
    found = explain(read(f"Run the release\n2026-11-20T10:00:00.1234567Z ##[error]{text}\nProcess ended with 1.\n"))
    assert found, text
    assert found[0].failure.ident == ident
    assert found[0].symptom.seen


@pytest.mark.parametrize("text", NO_FAILURES)
def test_what_goes_well_is_no_failure(text: str) -> None:
    assert [one.failure.ident for one in explain(read(text))] == []


def test_every_class_has_a_text_or_is_known_by_the_declaration() -> None:
    assert {failure.ident for failure in FAILURES} == {ident for ident, _ in TEXTS} | BY_DECLARATION


def test_every_class_is_named_once_and_says_what_to_do() -> None:
    idents = [failure.ident for failure in FAILURES]
    assert len(set(idents)) == len(idents)
    for failure in FAILURES:
        assert failure.cause.endswith(".")
        assert failure.fix
        assert failure.says or failure.likely or failure.judge


def test_a_wrapped_and_coloured_line_is_known_as_well() -> None:
    text = "\x1b[31mIt looks like there are no Python\n distribution packages\x1b[0m to publish in the directory"
    assert [one.failure.ident for one in explain(read(text))] == ["nothing-to-publish"]
