# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The action itself: its inputs, judged; the packages that trustpub needs, at the locked hashes; then trustpub.

Started by ``run.sh`` as ``python -I -B``. It begins with what Python has, and with what of trustpub needs no more.
Nothing is kept: the packages go into a folder of their own below ``RUNNER_TEMP``, which is removed at the end.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "src"))

from trustpub.errors import Misuse, TrustpubError, Unreachable  # noqa: E402 - it is not installed, but here
from trustpub.printable import printable, quoted  # noqa: E402

_Meant = TypeVar("_Meant")

PREFIX = "TRUSTPUB_ACTION_"
PUBLISH, MINT = "publish", "mint"
AUTO, REQUIRED, OFF = "auto", "required", "off"
_ATTESTATIONS = {"": AUTO, "true": AUTO, "auto": AUTO, "required": REQUIRED, "false": OFF, "off": OFF}
_FLAGS = {"": False, "true": True, "false": False}
_ONLY_TO_PUBLISH = {"packages-dir": "dist", "attestations": "auto", "skip-existing": "false", "print-hash": "false"}
"""Inputs without a meaning for a mint, with their defaults."""
_OLD = ("repository-url", "packages-dir", "verify-metadata", "skip-existing", "print-hash")
"""Inputs that had an underscore once."""
_OF_SOURCES = frozenset(
    {
        "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT", "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_KEYRING_PROVIDER", "PIP_NO_INDEX", "PIP_PROXY", "PIP_RETRIES",
        "PIP_TIMEOUT", "PIP_TRUSTED_HOST",
    }
)  # fmt: skip
"""What the job may say of where packages are from: the hashes say which they are. What else it sets is for its own
installations, and would break this one."""
_NO_PIP = (
    'Put this step before the action: uses: actions/setup-python, with: python-version: "3.13". '
    "On a runner of your own, install pip or the module venv (Debian and Ubuntu: apt install python3-venv)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the inputs come to."""

    mode: str
    index: str = ""
    """Blank: what pyproject.toml declares, else PyPI."""
    folder: str = "dist"
    audience: str = ""
    attestations: str = AUTO
    skip_existing: bool = False
    print_hash: bool = False
    verbose: bool = False

    @property
    def signs(self) -> bool:
        """Whether the packages that sign may be needed. Where an index names a Sigstore instance, only it knows."""
        return self.mode == PUBLISH and self.attestations != OFF

    @property
    def arguments(self) -> list[str]:
        """Of trustpub."""
        index = [f"--index={self.index}"] if self.index else []
        audience = [f"--audience={self.audience}"] if self.audience else []
        general = [*index, *audience, *(["--verbose"] if self.verbose else [])]
        if self.mode == MINT:
            return ["mint", "--export", "github", *general]
        own = [f"--attestations={self.attestations}"]
        if self.skip_existing:
            own.append("--skip-existing")
        if self.print_hash:
            own.append("--print-hash")
        return ["publish", *general, *own, "--", os.path.join(glob.escape(self.folder), "*")]


def read(env: Mapping[str, str]) -> tuple[Plan, list[str]]:
    """What is to be done, and what to warn of.

    Raises:
        Misuse: something cannot be meant. Names every input that is at fault.
    """
    faults: list[str] = []
    warnings: list[str] = []
    given = {
        name: _given(env, name, faults, warnings)
        for name in (
            "mode", "repository-url", "packages-dir", "audience", "attestations", "skip-existing", "print-hash",
            "verbose", "user", "verify-metadata",
        )
    }  # fmt: skip
    _judge_login(given["user"], env.get(f"{PREFIX}PASSWORD_GIVEN", ""), faults, warnings)
    if given["verify-metadata"]:
        warnings.append("verify-metadata has no meaning here: the metadata is always checked. Remove it.")
    flags = {name: _one_of(name, given[name], _FLAGS, faults) for name in ("skip-existing", "print-hash", "verbose")}
    mode = _one_of("mode", given["mode"], {"": PUBLISH, PUBLISH: PUBLISH, MINT: MINT}, faults)
    attestations = _one_of("attestations", given["attestations"], _ATTESTATIONS, faults)
    if mode == MINT:
        idle = [name for name, usual in _ONLY_TO_PUBLISH.items() if given[name].lower() not in ("", usual)]
        if idle:
            warnings.append(f"{', '.join(idle)}: without a meaning in mode mint, which uploads nothing.")
    if faults:
        raise Misuse("\n".join(faults), hint="Nothing was published.")
    plan = Plan(
        mode=mode or PUBLISH, index=given["repository-url"], folder=given["packages-dir"] or "dist",
        audience=given["audience"], attestations=attestations or AUTO, skip_existing=bool(flags["skip-existing"]),
        print_hash=bool(flags["print-hash"]), verbose=bool(flags["verbose"]),
    )  # fmt: skip
    return plan, warnings


def _given(env: Mapping[str, str], name: str, faults: list[str], warnings: list[str]) -> str:
    """The value of an input, under its spelling or its old one."""
    variable = name.upper().replace("-", "_")
    value = env.get(PREFIX + variable, "").strip()
    old = env.get(f"{PREFIX}OLD_{variable}", "").strip() if name in _OLD else ""
    if not old:
        return value
    spelt = name.replace("-", "_")
    if value not in ("", _ONLY_TO_PUBLISH.get(name, ""), old):
        faults.append(f"{name} and {spelt} are both given, and differ. Keep {name}.")
    else:
        warnings.append(f"{spelt} is an old spelling. Write {name}.")
    return old


def _judge_login(user: str, password_given: str, faults: list[str], warnings: list[str]) -> None:
    if password_given == "true":  # noqa: S105 - whether there is one; it never comes here itself
        faults.append(
            "password is given. This action publishes without a stored secret: remove it, see that the job has "
            "`permissions: id-token: write`, and revoke the token on the index, if it is not short-lived."
        )
    if user in ("", "__token__"):
        if user:
            warnings.append("user has no meaning here: nobody logs in. Remove it.")
    else:
        faults.append(
            f"user is {quoted(user)}. This action does not log in: the index knows the job by its identity token. "
            "Remove it, and register the job as a publisher of the project."
        )


def _one_of(name: str, value: str, known: Mapping[str, _Meant], faults: list[str]) -> _Meant | None:
    if value.lower() in known:
        return known[value.lower()]
    *most, last = [one for one in known if one]
    faults.append(f"{name} is {quoted(value)}, and has to be {', '.join(most)} or {last}.")
    return None


def install(requirements: Path, place: Path, env: Mapping[str, str]) -> Path:
    """Install what is locked, without any dependency and without running code of a package; where it is then.

    Raises:
        Misuse: this Python has neither pip nor venv.
        Unreachable: pip could not; with the end of what it said.
    """
    # No identity token can be asked for with these variables, and nothing can be handed to other steps.
    bare = {
        name: value
        for name, value in env.items()
        if not name.startswith((PREFIX, "ACTIONS_", "GITHUB_", "PIP_")) or name in _OF_SOURCES
    }
    bare |= {"PIP_NO_INPUT": "1", "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    program = _with_pip(place, bare)
    target = place / requirements.stem
    argv = [
        *program, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:",
        "--no-cache-dir", "--no-compile", "--target", str(target), "--requirement", str(requirements),
    ]  # fmt: skip
    done = subprocess.run(argv, env=bare, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
        # An address may have somebody's name and password in it.
        tail = "\n".join(re.sub(r"//[^/\s@]+@", "//***@", printable(line)) for line in said[-12:] if line.strip())
        raise Unreachable(f"pip could not install what trustpub needs ({requirements.name}). It says:\n{tail}")
    return target


def _with_pip(place: Path, env: Mapping[str, str]) -> list[str]:
    own = [sys.executable, "-I"]
    if _ends_well([*own, "-m", "pip", "--version"], env):
        return own
    venv = place / "venv"
    if not _ends_well([*own, "-m", "venv", str(venv)], env):
        raise Misuse(f"The Python of this runner ({printable(sys.executable)}) has neither pip nor venv.", hint=_NO_PIP)
    return [str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")), "-I"]


def _ends_well(argv: list[str], env: Mapping[str, str]) -> bool:
    return subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def prepare(plan: Plan, place: Path, env: Mapping[str, str]) -> tuple[Plan, Path]:
    """Install what the plan needs; without what signs, where that cannot be had and need not.

    Raises:
        TrustpubError: as :func:`install`.
    """
    locked = CHECKOUT / "requirements"
    if not plan.signs:
        return plan, install(locked / "action.txt", place, env)
    try:
        return plan, install(locked / "action-attest.txt", place, env)
    except Unreachable as error:
        if plan.attestations == REQUIRED:
            raise
        say("warning", f"Nothing will be signed: {error.message}")
    unsigned = Plan(**{name: getattr(plan, name) for name in Plan.__slots__} | {"attestations": OFF})
    return unsigned, install(locked / "action.txt", place, env)


def say(kind: str, text: str) -> None:
    """An annotation of the run: ``warning`` or ``error``."""
    lines = "%0A".join(printable(line).replace("%", "%25") for line in text.splitlines())
    sys.stdout.write(f"::{kind} title=trustpub::{lines}\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the inputs say. The exit code is trustpub's own."""
    try:
        plan, warnings = read(os.environ)
        for warning in warnings:
            say("warning", warning)
        with tempfile.TemporaryDirectory(
            prefix="trustpub-", dir=os.environ.get("RUNNER_TEMP") or None, ignore_cleanup_errors=True
        ) as place:
            plan, packages = prepare(plan, Path(place), os.environ)
            for name in [name for name in os.environ if name.startswith(PREFIX)]:
                del os.environ[name]
            sys.path.insert(1, str(packages))
            from trustpub.cli.main import run

            run(plan.arguments)
    except TrustpubError as error:
        say("error", "\n".join(filter(None, [error.message, error.hint])))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
