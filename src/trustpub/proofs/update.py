# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A newer trust root over TUF (The Update Framework), when somebody asks for it, and never otherwise.

python-tuf checks signatures, versions and expiry; what it must remember to notice an older repository stays in the
folder that is given. The bytes come over :class:`trustpub.http.Http`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trustpub.errors import Declined, Misuse, TrustpubError, Unreachable
from trustpub.http import Http
from trustpub.printable import printable

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.ngclient.updater import Updater

PUBLIC_URL = "https://tuf-repo-cdn.sigstore.dev"
TARGET = "trusted_root.json"
_MAX_BYTES = 8 * 1024 * 1024


def newest(http: Http, url: str, first: bytes, memory: Path) -> bytes:
    """The trusted root that the TUF repository at ``url`` has now; see :func:`targets`."""
    return targets(http, url, first, memory, (TARGET,))[TARGET]


def targets(http: Http, url: str, first: bytes, memory: Path, names: Sequence[str]) -> Mapping[str, bytes]:
    """What the TUF repository at ``url`` has now under ``names``.

    Args:
        http: the way out.
        url: of the repository.
        first: TUF root metadata that are believed already; newer ones must be signed by their keys, in a chain.
        memory: a folder for the metadata seen; nobody may go back behind these.
        names: of targets.

    Raises:
        Unreachable: the repository cannot be asked.
        Declined: what it says does not hold: a signature, an expiry, an older version.
        ModuleNotFoundError: the extra ``attest`` is not installed.
    """
    from tuf.api.exceptions import DownloadError, RepositoryError
    from tuf.ngclient.updater import Updater

    where = printable(urlsplit(url).netloc, 200)
    fetcher = _fetcher(http)
    kept = memory / "targets"
    try:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        updater = Updater(
            metadata_dir=str(memory),
            metadata_base_url=url,
            target_dir=str(kept),
            target_base_url=url.rstrip("/") + "/targets/",
            fetcher=fetcher,
            bootstrap=first,
        )
        updater.refresh()
        return {name: _target(updater, name, where) for name in names}
    except DownloadError as error:
        raise _cause(error) or Unreachable(f"The TUF repository at {where} does not answer as it should.") from None
    except (RepositoryError, ValueError) as error:
        raise Declined(
            f"What the TUF repository at {where} says does not hold: {printable(str(error), 300)}.",
            hint="The trust root stays as it was.",
        ) from None
    except OSError as error:
        raise Misuse(f"The folder {memory} cannot be used: {error.strerror}.") from error


def _target(updater: Updater, name: str, where: str) -> bytes:
    found = updater.get_targetinfo(name)
    if found is None:
        raise Declined(f"The TUF repository at {where} has no {name}.")
    return Path(updater.download_target(found)).read_bytes()


def _cause(error: BaseException) -> TrustpubError | None:
    while error.__cause__ is not None:
        error = error.__cause__
    return error if isinstance(error, TrustpubError) else None


def _fetcher(http: Http) -> FetcherInterface:
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class Fetcher(FetcherInterface):
        """python-tuf's way out, by ours."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            answer = http.request("GET", url, max_bytes=_MAX_BYTES, attempts=3)
            if answer.status != 200:
                raise DownloadHTTPError(f"status {answer.status}", answer.status)
            return iter([answer.body])

    return Fetcher()
