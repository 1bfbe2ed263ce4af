# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of problem codes, from the table that the index serves its own pages from."""

from __future__ import annotations

import json

from trustpub.protocol.exchange import Problem
from trustpub.protocol.problems import EVERYWHERE, EXCHANGE, GATEWAY, MANAGEMENT, SWITCHED, UPLOAD
from trustpub.trust.mismatch import Mismatch

_EXAMPLE = Problem(
    status=422,
    code="invalid-publisher",
    title="Token request failed",
    detail="valid token, but no corresponding publisher: environment is nothing, wanted 'pypi'",
    mismatches=(Mismatch(field="environment", given=None, wanted="pypi"),),
)
_HEAD = f"""# Problem codes

Every refusal of the index, whatever its status, is one JSON object that speaks three dialects at once: the members of
RFC 9457 (`type`, `title`, `status`, `detail`), PyPI's `errors` list (`code`, `description`), and a `message`. Where
fields of a publisher are concerned there is a fourth: `mismatches`, with `field`, `given` and, as far as the caller may
know it, `wanted`. `type` is an address on the index, where a page says about this kind what the tables below say.

```json
{json.dumps(_EXAMPLE.body("https://index.example"), indent=2)}
```

It is called `application/problem+json`, or `application/json` where that is all that `Accept` names; the body is the
same. An upload is refused in plain text unless `Accept` names JSON, and always in the status line too, where twine
looks. What a client sent is shown without control characters, links, tags, and what would be a command in a CI's log.
Where it makes sense to try again, `Retry-After` says when.
"""
_SECTIONS = (
    ("Of the exchange", EXCHANGE), ("Of the upload", UPLOAD), ("Of a gateway", GATEWAY), ("Of switches", SWITCHED),
    ("Of the management API", MANAGEMENT), ("Of everything", EVERYWHERE),
)  # fmt: skip


def problem_codes_page() -> str:
    """What a problem looks like, and every kind there is."""
    parts = [_HEAD]
    for title, kinds in _SECTIONS:
        parts.append(f"\n## {title}\n\n| code | status | what happened | what to do |\n|---|---|---|---|\n")
        for kind in kinds:
            statuses = ", ".join(str(status) for status in kind.statuses)
            parts.append(f"| `{kind.code}` | {statuses} | {kind.happened} | {kind.mend} |\n")
    return "".join(parts)
