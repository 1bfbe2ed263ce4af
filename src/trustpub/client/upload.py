# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One file to one index, once, over the legacy upload API."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.errors import Declined, Unreachable
from trustpub.http import BUSY, Http, Response
from trustpub.protocol.exchange import Refusal
from trustpub.protocol.upload import CONTENT, form_fields
from trustpub.remote.form import Form
from trustpub.remote.refusals import refusal, says_there, sentences, without
from trustpub.secret import Secret

ANSWER_SECONDS = 900.0
"""How long an index may think about a file it has received: scanners and slow storage are behind some."""


class Failing(Unreachable):
    """The index answered that it fails, or that it is busy."""

    def __init__(self, message: str, *, status: int, retry_after: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        """The header, as it came."""


class Refused(Declined):
    """The index does not take a file."""

    def __init__(self, message: str, *, hint: str | None, no: Refusal, phrase: str) -> None:
        super().__init__(message, hint=hint)
        self._no = no
        self._phrase = phrase
        self.status = no.status

    @property
    def there(self) -> bool:
        """Whether it says that there is a file of this name, with other content."""
        return says_there(self._no, self._phrase)

    @property
    def of_attestations(self) -> bool:
        """Whether it is what goes up with the file that is not taken."""
        said = [self._phrase, *(word for reason in self._no.reasons for word in reason)]
        return any("attestation" in one.lower() for one in said)


def upload(
    http: Http,
    index: Index,
    token: Secret,
    distribution: Distribution,
    watch: Callable[[int, int], None] = lambda taken, total: None,
) -> None:
    """Send ``distribution``, which is hashed. The index answers alike whether it is new or was there already with the
    same content.

    ``watch`` is told how many bytes are on their way, of how many; what it raises ends the upload.

    Raises:
        Refused: the index does not take it; the message has the reasons.
        Failing: the index says that it fails or is busy.
        Unreachable: there was no answer. The file may have arrived all the same.
        Misuse: the file changed since it was judged.
    """
    response = http.request(
        "POST",
        index.upload_url,
        headers={
            "Authorization": _credential(token),
            "Accept": "application/json, application/problem+json;q=0.9, text/plain;q=0.8, text/html;q=0.5",
        },
        body=_form(distribution, watch),
        read_seconds=ANSWER_SECONDS,
    )
    if not 200 <= response.status < 300:
        secrets = (token.reveal(), _credential(token).removeprefix("Basic "))
        raise _failure(index, distribution, without(secrets, response))


def _form(distribution: Distribution, watch: Callable[[int, int], None]) -> Form:
    submission = distribution.submission
    if distribution.attestations:
        submission = replace(submission, attestations=(f"[{','.join(distribution.attestations)}]",))
    return Form(
        form_fields(submission),
        file_field=CONTENT,
        filename=distribution.filename,
        path=distribution.path,
        size=distribution.size,
        watch=watch,
    )


def _credential(token: Secret) -> str:
    return "Basic " + base64.b64encode(f"__token__:{token.reveal()}".encode()).decode()


def _failure(index: Index, distribution: Distribution, response: Response) -> Failing | Refused:
    no = refusal(response)
    told = "\n".join(f"  {line}" for line in sentences(no))
    if response.status in BUSY or response.status >= 500:
        return Failing(
            f"{index.origin} fails on {distribution.filename} ({response.status}):\n{told}",
            status=response.status,
            retry_after=response.headers.get("retry-after"),
        )
    hint = None
    if response.status in (404, 405):
        hint = f"Is {index.upload_url} where this index takes uploads? Many end in /legacy/."
    return Refused(
        f"{index.origin} does not take {distribution.filename} ({response.status}):\n{told}",
        hint=hint,
        no=no,
        phrase=response.reason,
    )
