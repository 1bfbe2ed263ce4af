# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A minted token handed on to other tools: the variables that each of them reads, and the files that carry them.

No variable is set twice with different meanings, so all are set at once, and whichever tool runs finds its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from trustpub.client.indexes import Index
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.secret import Secret

USER = "__token__"
"""The user name that goes with a token, on PyPI and every index like it."""
OURS = "TRUSTPUB_TOKEN"
"""For scripts: the token itself."""
POETRY = "TRUSTPUB"
"""Under this name, in small letters, poetry always knows the index: ``poetry publish -r trustpub``."""

_AT_ODDS = (
    "UV_PUBLISH_USERNAME", "UV_PUBLISH_PASSWORD", "UV_PUBLISH_INDEX", "TWINE_REPOSITORY", "TWINE_CERT",
    "HATCH_INDEX_CA_CERT", "PDM_PUBLISH_CA_CERTS",
)  # fmt: skip
"""Variables with which a tool would refuse those that are set, or go elsewhere."""
_IDENTITY = frozenset(
    {
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "BITBUCKET_STEP_OIDC_TOKEN",
        "BUILDKITE_AGENT_ACCESS_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2", "SEMAPHORE_OIDC_TOKEN",
        "SYSTEM_ACCESSTOKEN", "SYSTEM_OIDCREQUESTURI", "TRUSTPUB_KUBERNETES_TOKEN_FILE",
    }
)  # fmt: skip
"""Variables that are an identity token of the job, or with which one can be asked for."""
_ID_TOKEN = "_ID_TOKEN"  # noqa: S105 - how the names of GitLab's end
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_POETRY_NAME = re.compile(r"[A-Z_]+\Z")
_GLOBAL_ROOTS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_ABOVE = ("CI_PROJECT_DIR", "GITHUB_WORKSPACE")
"""Names of the folders from which a CI takes artifacts, reports and caches."""


def variables(index: Index, token: Secret) -> dict[str, str]:
    """What twine, uv, poetry, hatch, flit and pdm read: user, token and address; and :data:`OURS`.

    Where the index has an authority of its own, also the certificates to believe for it, for the tools that have a
    variable for one index alone.
    """
    secret, url = token.reveal(), index.upload_url
    made = {
        OURS: secret,
        "TWINE_USERNAME": USER, "TWINE_PASSWORD": secret, "TWINE_REPOSITORY_URL": url, "TWINE_NON_INTERACTIVE": "1",
        "UV_PUBLISH_TOKEN": secret, "UV_PUBLISH_URL": url,
        "HATCH_INDEX_USER": USER, "HATCH_INDEX_AUTH": secret, "HATCH_INDEX_REPO": url,
        "FLIT_USERNAME": USER, "FLIT_PASSWORD": secret, "FLIT_INDEX_URL": url,
        "PDM_PUBLISH_USERNAME": USER, "PDM_PUBLISH_PASSWORD": secret, "PDM_PUBLISH_REPO": url,
    }  # fmt: skip
    for name in _poetry_names(index):
        made[f"POETRY_PYPI_TOKEN_{name}"] = secret
        if name != "PYPI":  # poetry knows where that is
            made[f"POETRY_REPOSITORIES_{name}_URL"] = url
    if index.ca is not None:
        ca = str(Path(index.ca).absolute())
        made |= {"TWINE_CERT": ca, "HATCH_INDEX_CA_CERT": ca, "PDM_PUBLISH_CA_CERTS": ca}
        made |= {f"POETRY_CERTIFICATES_{name}_CERT": ca for name in _poetry_names(index)}
    return made


def for_child(env: Mapping[str, str], index: Index, token: Secret, bundle: Path | None) -> dict[str, str]:
    """The environment of a tool that is to upload to ``index``: ``env``, :func:`variables`, and no identity.

    The tool has its token. With the job's identity, whatever it runs (build backends, hooks, plugins) could get
    another one, here or in a cloud, so what gives that identity is left out.

    ``bundle``: certificates for all that the tool connects to; None: it believes what we believe.
    """
    kept = {name: value for name, value in env.items() if name not in _AT_ODDS and not _vouches(name, value)}
    if bundle is not None:
        kept.pop("SSL_CERT_DIR", None)
        return kept | dict.fromkeys(_GLOBAL_ROOTS, str(bundle)) | variables(index, token)
    # Some read the one variable, some the other; we read both.
    named = next((kept[name] for name in _GLOBAL_ROOTS if kept.get(name)), None)
    if named is not None:
        kept = dict.fromkeys(_GLOBAL_ROOTS, named) | {name: value for name, value in kept.items() if value}
    return kept | variables(index, token)


def as_shell(made: Mapping[str, str]) -> str:
    """Lines that a POSIX shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in made.items())


def as_env_file(made: Mapping[str, str]) -> str:
    """Lines ``NAME=value``, without quotes, as docker's ``--env-file`` takes them."""
    return "".join(f"{name}={value}\n" for name, value in made.items())


def write_private(path: Path, text: str, env: Mapping[str, str]) -> None:
    """A new file that only its owner can read, where no CI looks for artifacts.

    Raises:
        Misuse: it is there already, cannot be made, or lies in the folder of the job's checkout, from which artifacts,
            reports and caches are taken.
    """
    shown = printable(str(path))
    for name in _ABOVE:
        if env.get(name) and path.resolve().is_relative_to(Path(env[name]).resolve()):
            raise Misuse(
                f"{shown} lies in the folder that {name} names, from which artifacts and reports are taken: the token "
                "could be in one.",
                hint="Give a path outside it, such as one below /tmp or RUNNER_TEMP.",
            )
    try:
        # O_EXCL: never into a file, or through a link, that somebody else has put there.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Misuse(f"{shown} is there already, and a token is written into a new file only.") from None
    except OSError as error:
        raise Misuse(f"{shown} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Misuse(f"{shown} cannot be written: {error.strerror}.") from None


def write_temporary(text: str, env: Mapping[str, str]) -> Path:
    """:func:`write_private`, at a new path outside the job's checkout.

    Raises:
        Misuse: there is no such place; names the one that was tried last.
    """
    import secrets

    # GitLab keeps files for the time of a job in NAME.tmp beside the checkout.
    beside = f"{env['CI_PROJECT_DIR']}.tmp" if env.get("CI_PROJECT_DIR") else None
    places = [place for place in (env.get("TMPDIR"), "/tmp", beside, env.get("HOME")) if place]  # noqa: S108 - a new file
    failure: Misuse | None = None
    for place in places:
        path = Path(place) / f"trustpub-{secrets.token_hex(8)}.sh"
        try:
            write_private(path, text, env)
        except Misuse as error:
            failure = error
        else:
            return path
    raise failure or Misuse("There is no folder for temporary files.")


def write_bundle(folder: str, index: Index, env: Mapping[str, str]) -> Path | None:
    """A file in ``folder`` with the certificates of the index's own authority, and those that others are believed by.

    These are the environment's, else the system's. None where the index has no authority of its own.

    Raises:
        Misuse: its certificates cannot be read, or the file not be written.
    """
    if index.ca is None:
        return None
    path = Path(folder) / "certificates.pem"
    path.write_bytes(_bundle(index.ca, env))
    return path


def _bundle(ca: str, env: Mapping[str, str]) -> bytes:
    import ssl

    found = ssl.get_default_verify_paths()
    others = [env.get(name) for name in _GLOBAL_ROOTS]
    other = next((path for path in others if path), None) or found.cafile or found.capath
    try:
        pieces = list(_certificates(Path(ca)))
    except OSError as error:
        raise Misuse(f"{printable(ca)} cannot be read: {error.strerror}.") from None
    with contextlib.suppress(OSError):  # the tool would have had nothing there either
        pieces += list(_certificates(Path(other))) if other else []
    return b"\n".join(pieces)


def _certificates(path: Path) -> Iterator[bytes]:
    if not path.is_dir():
        yield path.read_bytes()
        return
    for one in sorted(path.iterdir()):
        if one.is_file() and one.suffix.lower() in (".pem", ".crt", ".cer"):
            yield one.read_bytes()


def _poetry_names(index: Index) -> list[str]:
    """As poetry finds them in variables: capital letters and ``_`` only."""
    own = (index.name or "").upper().replace("-", "_")
    return list(dict.fromkeys([POETRY, *([own] if _POETRY_NAME.match(own) else [])]))


def _vouches(name: str, value: str) -> bool:
    return name in _IDENTITY or name.endswith(_ID_TOKEN) or bool(_JWT.match(value))
