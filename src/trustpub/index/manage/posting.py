# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Sending the letters that wait, and trying again later what was not taken."""

from __future__ import annotations

from dataclasses import dataclass

from trustpub.index.kept import Letter
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Post, Store, Undelivered

FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 6 * 3600
GIVE_UP_SECONDS = 3 * 86_400
"""A letter that nobody took for so long is dropped, and the log of events says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round did."""

    sent: int = 0
    put_off: int = 0
    lost: int = 0
    why: str = ""
    """Of the last letter that was not taken; a clause."""


def deliver(store: Store, clock: Clock, post: Post) -> Delivered:
    """Send those letters whose time has come, the oldest first. No transaction is open while one is sent."""
    with store.read() as reading:
        due = reading.letters(int(clock()))
    sent = put_off = lost = 0
    why = ""
    for number, letter in enumerate(due):
        try:
            post.send(letter)
        except Undelivered as failure:
            why = str(failure)
            if failure.every:
                # The others would fare the same: each try would only keep the server busy.
                lost += sum(_put_off(store, clock, one, why) for one in due[number:])
                put_off += len(due) - number
                break
            lost += _put_off(store, clock, letter, why, lasting=failure.lasting)
            put_off += 1
        else:
            with store.write() as writing:
                writing.remove_letter(letter.id)
            sent += 1
    return Delivered(sent=sent, put_off=put_off - lost, lost=lost, why=why)


def pause(attempts: int) -> int:
    """Seconds until a letter is tried again that was tried so often."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS << min(attempts - 1, 20))


def _put_off(store: Store, clock: Clock, letter: Letter, why: str, *, lasting: bool = False) -> bool:
    """Try it later, or give it up: True."""
    now, attempts = int(clock()), letter.attempts + 1
    lost = lasting or now - letter.created >= GIVE_UP_SECONDS
    with store.write() as writing:
        if lost:
            writing.remove_letter(letter.id)
            facts = {"to": letter.to, "subject": letter.subject, "attempts": attempts, "why": why}
            note(writing, clock(), "letter-lost", facts=facts)
        else:
            writing.put_off_letter(letter.id, attempts=attempts, not_before=now + pause(attempts))
    return lost
