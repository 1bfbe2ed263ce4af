# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One file to one index, over the legacy upload API."""

from __future__ import annotations

import base64

from trustpub.client.files import Distribution
from trustpub.client.form import Form
from trustpub.client.indexes import Index
from trustpub.client.refusals import refusal, sentences
from trustpub.errors import Declined, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http
from trustpub.protocol.upload import CONTENT, form_fields
from trustpub.secret import Secret

ANSWER_SECONDS = 900.0
"""How long an index may think about a file it has received: scanners and slow storage are behind some."""


def upload(http: Http, index: Index, token: Secret, distribution: Distribution) -> None:
    """Send ``distribution``. The index answers alike whether it is new or was there already with the same content.

    It is sent again when the connection breaks or the index is busy: the same file twice is the same file.

    Raises:
        Declined: the index does not take it; the message has the reasons.
        Unreachable: the index fails. The file may have arrived all the same.
        Misuse: the file changed since it was judged.
    """
    body = Form(
        form_fields(distribution.submission),
        file_field=CONTENT,
        filename=distribution.filename,
        path=distribution.path,
        size=distribution.size,
    )
    pair = base64.b64encode(f"__token__:{token.reveal()}".encode()).decode()
    response = http.request(
        "POST",
        index.upload_url,
        headers={
            "Authorization": f"Basic {pair}",
            "Accept": "application/json, application/problem+json;q=0.9, text/plain;q=0.8, text/html;q=0.5",
        },
        body=body,
        read_seconds=ANSWER_SECONDS,
        attempts=ATTEMPTS,
    )
    if 200 <= response.status < 300:
        return
    told = "\n".join(f"  {line}" for line in sentences(refusal(response)))
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(f"{index.origin} fails on {distribution.filename} ({response.status}):\n{told}")
    hint = None
    if response.status in (404, 405):
        hint = f"Is {index.upload_url} where this index takes uploads? Many end in /legacy/."
    raise Declined(f"{index.origin} does not take {distribution.filename} ({response.status}):\n{told}", hint=hint)
