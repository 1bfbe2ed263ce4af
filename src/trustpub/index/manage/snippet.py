# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How the publishing job of a publisher looks in its CI's own file, ready to copy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trustpub.trust.values import worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A part of a file."""

    path: str
    """Of the file in the repository; empty: it depends."""
    text: str


def snippet(kind: str, fields: Mapping[str, str], *, url: str, audience: str) -> Snippet:
    """The job that a publisher of this kind, with these fields, means.

    Args:
        kind: of the publisher.
        fields: as registered.
        url: where clients find this index.
        audience: what this index wants as ``aud``.
    """
    known = {name: worded(value) for name, value in fields.items()}
    return _OF.get(kind, _any)(known, url, audience)


def _github(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    environment = _line("    environment: ", fields.get("environment"))
    file = fields.get("workflow") or fields.get("calling_workflow", "release.yml")
    path = file.partition("@")[0] if "/" in file else f".github/workflows/{file}"
    return Snippet(
        path=path,
        text=f"""jobs:
  publish:
    needs: build # which leaves wheel and sdist as the artifact "dist"
    runs-on: ubuntu-latest
{environment}    permissions:
      id-token: write # the identity; nothing else
    steps:
      - uses: actions/download-artifact@v8
        with:
          name: dist
          path: dist/
      - run: python3 -m pip install trustpub
      - run: trustpub publish --index {url}
""",
    )


def _forgejo(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    return Snippet(
        path=".forgejo/workflows/release.yml",
        text=f"""jobs:
  publish:
    needs: build # which leaves wheel and sdist as the artifact "dist"
    runs-on: docker
    enable-openid-connect: true
    steps:
      - uses: actions/download-artifact@v3
        with:
          name: dist
          path: dist/
      - run: python3 -m pip install trustpub
      - run: trustpub publish --index {url}
""",
    )


def _gitlab(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    environment = _line("  environment: ", fields.get("environment"))
    return Snippet(
        path=fields.get("workflow_filepath", ".gitlab-ci.yml"),
        text=f"""publish:
  stage: deploy
  image: python:3.13-slim
  needs: [build] # which leaves wheel and sdist in dist/
  rules:
    - if: $CI_COMMIT_TAG
{environment}  variables:
    GIT_STRATEGY: none # the files alone, none of the project's code
  id_tokens:
    {_variable(audience)}:
      aud: {json.dumps(audience)}
  script:
    - python -m pip install trustpub
    - trustpub publish --index {url}
""",
    )


def _circleci(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    return Snippet(
        path=".circleci/config.yml",
        text=f"""jobs:
  publish: # run it in a workflow with a context: only then is there an identity
    docker: [{{image: cimg/python:3.13}}]
    steps:
      - attach_workspace: {{at: .}} # with wheel and sdist in dist/
      - run: python -m pip install trustpub
      - run: trustpub publish --index {url}
""",
    )


def _buildkite(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    key = _line("    key: ", fields.get("step_key"))
    return Snippet(
        path=".buildkite/pipeline.yml",
        text=f"""steps:
  - label: publish
{key}    if: build.tag =~ /^v/
    command:
      - buildkite-agent artifact download "dist/*" .
      - python -m pip install trustpub
      - trustpub publish --index {url}
""",
    )


def _any(fields: Mapping[str, str], url: str, audience: str) -> Snippet:
    return Snippet(path="", text=f"python -m pip install trustpub\ntrustpub publish --index {url}\n")


def _variable(audience: str) -> str:
    """As clients look for it."""
    return re.sub(r"[^A-Z0-9]", "_", audience.upper()) + "_ID_TOKEN"


def _line(before: str, value: str | None) -> str:
    """A line of YAML with the value as a string, or none. What is JSON is YAML as well."""
    return f"{before}{json.dumps(value)}\n" if value else ""


_OF: Mapping[str, Callable[[Mapping[str, str], str, str], Snippet]] = {
    "github": _github,
    "forgejo": _forgejo,
    "gitlab": _gitlab,
    "circleci": _circleci,
    "buildkite": _buildkite,
}
