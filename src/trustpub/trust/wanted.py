# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A claim that a publisher wants: how a person may type it, and whether a token has it."""

from __future__ import annotations

from trustpub.trust.decision import Check
from trustpub.trust.provider import ENVELOPE, Fault
from trustpub.trust.values import BadName, bare, read, steps

MAX_FIELDS = 32
"""Claims that one publisher may want."""

NEVER_WANTED = ENVELOPE - {"sub"}
"""Claims that say nothing of who the job is: verified for every token, or different in each."""

_QUOTE = "A string stands in double quotes: NAME='\"value\"' in a shell."


def claim_fault(name: str) -> Fault | None:
    """Why no publisher may want the claim of this name; None if one may."""
    try:
        path = steps(name)
    except BadName as fault:
        return Fault(field=name, problem=str(fault), hint="A claim's name, or a JSON Pointer such as /outer/inner.")
    if len(path) == 1 and path[0] in NEVER_WANTED:
        hint = "It is verified for every token, or differs in each of them."
        return Fault(field=name, problem="is no claim that says who the job is", hint=hint)
    return None


def spell_json(name: str, typed: str) -> str | Fault:
    """A wanted value as compact JSON, from JSON."""
    try:
        text = read(typed)
    except ValueError:
        return Fault(field=name, problem="is not a value in JSON", hint=_QUOTE)
    if text is None:
        problem = "is neither a string, nor true or false, nor a whole number, or is empty or too long"
        return Fault(field=name, problem=problem, hint=_QUOTE)
    return text


def equal(field: str, wanted: str, given: str | None) -> Check:
    """Whether a token's value is the wanted one, by type and value; both as compact JSON.

    Shown to people without quotes where both are strings; where the types differ, they are what differs.
    """
    check = Check(field=field, wanted=wanted, given=given, holds=wanted == given)
    if given is None:
        return check
    wanted_text, given_text = bare(wanted), bare(given)
    if wanted_text is None or given_text is None:
        return check
    return Check(field=field, wanted=wanted_text, given=given_text, holds=check.holds)
