# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub mint``: an upload token for another tool."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustpub.cli.declaring import Choice, argument, command, option
from trustpub.cli.options import as_job, job, may_share, of_audience, resolved, to_index
from trustpub.cli.show import Screen, screen
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.protocol.scopes import SCOPES, UPLOAD
from trustpub.secret import Secret

if TYPE_CHECKING:
    from trustpub.client.exchange import Exchange
    from trustpub.client.indexes import Index
    from trustpub.protocol.exchange import Minted

OUTPUT = "api-token"
"""The name of the step's output."""
GITHUB, GITLAB, ENV_FILE = "github", "gitlab", "env-file"


@command(context_settings={"allow_interspersed_args": False}, options_metavar="[OPTIONS]")
@to_index
@of_audience
@as_job
@may_share
@option(
    "--scope",
    type=Choice(SCOPES),
    default=UPLOAD,
    show_default=True,
    help="What the token is for; read: to install from a private index that trustpub runs.",
)
@option("--print", "printed", is_flag=True, help="Print the token, and nothing else, to standard output.")
@option(
    "--export",
    type=Choice((GITHUB, GITLAB, ENV_FILE)),
    help=f"Hand it to later steps. github: as the step's output {OUTPUT}. gitlab: in a file to be sourced, whose path "
    "is printed. env-file: in the file that --to names.",
)
@option("--to", metavar="PATH", help="The new file for --export env-file, outside the checkout.")
@argument("command", nargs=-1, metavar="[-- COMMAND...]")
def mint(
    index: str | None, ca: str | None, audience: str | None, identity_token: str | None, shared_audience: str | None,
    scope: str, printed: bool, export: str | None, to: str | None, command: tuple[str, ...],
) -> int:  # fmt: skip
    """Get an upload token for this CI job, for another tool.

    Say what becomes of it. With COMMAND, that is run with the variables that twine, uv, poetry (-r trustpub), hatch,
    flit and pdm read, and the token is given back when it ends; its exit code is ours:

    trustpub mint --index https://packages.example.com -- twine upload dist/*

    With --print the token is all that goes to standard output; with --export it is in the variables of a file, or an
    output. Then it is not given back, since somebody else is to use it: it expires by itself.
    """
    wish = _Wish(printed=printed, export=export, to=to, command=command, scope=scope)
    wish.check(os.environ.get("GITHUB_OUTPUT"))
    seen = screen()
    seen.aside = True
    from trustpub.http import Http

    argv = _found(command) if command else []
    wanted = resolved(index, ca, audience)
    shown = job(identity_token)
    with Http(env=os.environ, ca=wanted.ca, ca_for=(wanted.host,)) as http:
        # The rest is loaded while the index answers; where it has to be found, two questions are asked side by side.
        http.prepare(wanted.upload_url, connections=1 if wanted.built_in else 2)
        from trustpub.client.exchange import Exchange

        exchange = Exchange(http, wanted, shown, _Listener(), scope=scope, shared_audience=shared_audience)
        minted = exchange.mint()
        delivery = _Delivery(exchange=exchange, index=wanted, token=minted.token, seen=seen)
        try:
            seen.mask(minted.token)
            kind = "an upload" if scope == UPLOAD else "a read"
            seen.step(f"{wanted.origin} trusts it and gave {kind} token{_until(minted)}")
            if exchange.single_use and scope == UPLOAD:
                seen.warning("It is good for one file: this index gives no tokens for several.")
            code = delivery.run(argv) if argv else delivery.hand_over(wish)
        except BaseException:
            # Nobody has it, so nobody else will give it back.
            delivery.give_back()
            raise
    return code


def _found(command: Sequence[str]) -> list[str]:
    from trustpub.client import child

    return child.find(command, os.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to become of the token."""

    printed: bool
    export: str | None
    to: str | None
    command: Sequence[str]
    scope: str

    def check(self, outputs: str | None) -> None:
        """Make sure that it is one thing, and can be. ``outputs``: the file of the step's outputs, on GitHub.

        Raises:
            Misuse: it is none or several, or something for it is missing.
        """
        if (self.printed, self.export is not None, bool(self.command)).count(True) != 1:
            raise Misuse(
                "Say what becomes of the token, in one way: --print, --export, or `-- COMMAND`.",
                hint="`trustpub mint -- twine upload dist/*` runs twine with the token and gives it back at the end; "
                "`--print` prints it, for TWINE_PASSWORD=$(trustpub mint --print).",
            )
        if (self.export == ENV_FILE) != (self.to is not None):
            raise Misuse("--export env-file and --to PATH go together: the file is where the token is written.")
        if self.export == GITHUB and not outputs:
            raise Misuse("--export github needs GITHUB_OUTPUT, which GitHub sets in the steps of a job.")
        if self.scope != UPLOAD and not (self.printed or self.export == GITHUB):
            raise Misuse(f"A token of scope {self.scope} uploads nothing, so it goes with --print or --export github.")


class _Delivery:
    """A minted token, on its way to whoever uses it."""

    def __init__(self, *, exchange: Exchange, index: Index, token: Secret, seen: Screen) -> None:
        self._exchange = exchange
        self._index = index
        self._token: Secret | None = token
        self._seen = seen

    def run(self, argv: Sequence[str]) -> int:
        """Run a tool with it, give it back, and return the tool's exit code."""
        from tempfile import TemporaryDirectory

        from trustpub.client import child, delivery

        with TemporaryDirectory(prefix="trustpub-") as folder:
            bundle = delivery.write_bundle(folder, self._index, os.environ)
            env = delivery.for_child(os.environ, self._index, self._held(), bundle)
            return child.run(argv, env, self.give_back)

    def hand_over(self, wish: _Wish) -> int:
        """Put it where it was wished, from where on it is no concern of ours."""
        if wish.printed:
            self._seen.result(self._held().reveal())
            return 0
        from pathlib import Path

        from trustpub.client import delivery

        made = delivery.variables(self._index, self._held())
        if wish.export == GITHUB:
            _write_output(os.environ["GITHUB_OUTPUT"], self._held())
            self._seen.step(f"The token is this step's output {OUTPUT}")
        elif wish.to is not None:
            delivery.write_private(Path(wish.to), delivery.as_env_file(made), os.environ)
            self._seen.step(f"The token is in {printable(wish.to)}, for its owner only")
        else:
            path = delivery.write_temporary(delivery.as_shell(made), os.environ)
            self._seen.result(str(path))
            self._seen.step("The token is in that file, for its owner only; source it, then remove it")
        return 0

    def give_back(self) -> None:
        """Burn it, once."""
        token, self._token = self._token, None
        if token is None:
            return
        warning = self._exchange.burn(token)
        if warning:
            self._seen.warning(warning)
        else:
            self._seen.step("The upload token is given back")

    def _held(self) -> Secret:
        if self._token is None:
            raise RuntimeError("the token is given back")
        return self._token


class _Listener:
    """A :class:`trustpub.client.exchange.Listener` that writes to the screen."""

    def mask(self, secret: Secret) -> None:
        screen().mask(secret)

    def step(self, text: str) -> None:
        screen().step(text)


def _until(minted: Minted) -> str:
    if minted.expires is None:
        return ""
    try:
        return time.strftime(", valid until %H:%M:%S UTC", time.gmtime(minted.expires))
    except (OverflowError, OSError, ValueError):
        return ""


def _write_output(path: str, token: Secret) -> None:
    # One `name=value` line is safe because a minted token is known to be printable ASCII without a space or a break;
    # the leading line break keeps a last line that somebody left unfinished from swallowing it.
    try:
        with open(path, "a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                unfinished = file.read(1) != b"\n"
            else:
                unfinished = False
            file.write((b"\n" if unfinished else b"") + f"{OUTPUT}={token.reveal()}\n".encode())
    except OSError as error:
        raise Misuse(f"The file that GITHUB_OUTPUT names cannot be written: {error.strerror}.") from None
