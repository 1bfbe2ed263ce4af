# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who uses the index of a soak, all at once, and what each of them insists on."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..faults.uploading import Wheel  # noqa: TID252 - pytest gives these folders no absolute name
from .asking import Answer, Asking, Tally
from .many import Jobs, Many, project

RACING = 60
"""Projects whose identity tokens are used twice, after those that are released."""
RACE_SECONDS = 0.05
AGAIN_SECONDS = 0.2
"""Sooner than the index asks for, so that it is asked while it cannot answer."""


@dataclass
class Crowd:
    """Publishers, readers, managers, and some who try to use twice what is good once."""

    many: Many
    jobs: Jobs
    projects: int
    manager: str
    """The token of somebody who may manage all of the projects."""
    tally: Tally = field(default_factory=Tally)
    over: threading.Event = field(default_factory=threading.Event)
    accepted: dict[str, Wheel] = field(default_factory=dict)
    """By file name: what was acknowledged."""
    contested: list[tuple[str, str]] = field(default_factory=list)
    """Names of files of which one token, good for one, was used for both."""
    won: int = 0
    """How often one of two who used the same identity, or the same token for one file, was the only one."""

    _connections: list[Asking] = field(default_factory=list)

    def __post_init__(self) -> None:
        actors = (
            *(self._publish for _ in range(3)), self._race_identities, self._race_tokens,
            self._read, self._read, self._manage,
        )  # fmt: skip
        self._threads = [
            threading.Thread(target=self._act, args=(actor, number)) for number, actor in enumerate(actors)
        ]

    def start(self) -> None:
        for one in self._threads:
            one.start()

    def join(self) -> None:
        self.over.set()
        for one in self._threads:
            one.join(120)
            assert not one.is_alive()
        for connection in self._connections:
            connection.close()

    def _asking(self) -> Asking:
        self._connections.append(Asking(self.many.url, self.tally))
        return self._connections[-1]

    def _act(self, actor: Callable[[str, random.Random], None], number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        try:
            actor(f"{number}", chance)
        except Exception as error:  # noqa: BLE001 - told at the end, with all else
            self.tally.blame(f"{actor.__name__} ended by {error!r}")

    def _until_answered(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again as long as it is to be asked later, or the connection is lost."""
        while True:
            answer = ask()
            if not (answer.later or answer.status == 0) or self.over.is_set():
                return answer
            time.sleep(AGAIN_SECONDS)

    # Publishing

    def _publish(self, me: str, chance: random.Random) -> None:
        asking, other = self._asking(), self._asking()
        for release in range(1_000_000):
            if self.over.is_set():
                return
            number = chance.randrange(self.projects)
            token = self._minted(asking, number)
            for part in range(3 if token else 0):
                size = chance.choice((500, 3_000, 20_000, 300_000))
                wheel = Wheel(project(number), f"{me}.{release}.{part}", size)
                if self._uploaded(asking, wheel, token):
                    self._insist_on_page(other, wheel)

    def _minted(self, asking: Asking, number: int, **more: object) -> str:
        """A token; empty if it was lost on its way, or time is up."""
        identity = self.jobs.token(self.many.audience, number)
        while True:
            answer = asking.mint(identity, **more)
            if answer.ok:
                return str(answer.json["token"])
            if answer.status == 0 or answer.later:
                if self.over.is_set():
                    return ""
                time.sleep(AGAIN_SECONDS)
            else:
                # Also where an answer was lost, since the same request is answered the same.
                self.tally.blame(f"a mint was answered {answer.status} {answer.body[:300]!r}")
                return ""

    def _uploaded(self, asking: Asking, wheel: Wheel, token: str) -> bool:
        answer = self._until_answered(lambda: asking.upload(wheel, token))
        if answer.ok:
            self.accepted[wheel.filename] = wheel
        elif answer.status and not answer.later:
            self.tally.blame(f"{wheel.filename} was answered {answer.status} {answer.body[:300]!r}")
        return answer.ok

    def _insist_on_page(self, asking: Asking, wheel: Wheel) -> None:
        """Whoever published it sees it at once, whichever worker answers."""
        answer = self._until_answered(lambda: asking.page(wheel.name))
        if answer.ok:
            shown = {one["filename"]: one["hashes"]["sha256"] for one in answer.json["files"]}
            if shown.get(wheel.filename) != wheel.sha256:
                self.tally.blame(f"{wheel.filename} was accepted, and the page does not show it")
        elif answer.status and not answer.later:
            self.tally.blame(f"the page of {wheel.name} was answered {answer.status}")

    # Using twice what is good once

    def _race_identities(self, me: str, chance: random.Random) -> None:
        pair, turn = [self._asking() for _ in range(2)], 0
        with ThreadPoolExecutor(2) as pool:
            while not self.over.is_set():
                # Who loses is refused, and a repository may not be refused often: each has its turn.
                turn = (turn + 1) % RACING
                identity = self.jobs.token(self.many.audience, self.projects + turn)
                # Two requests, and not one that is sent again: that would be answered the same.
                answers = list(pool.map(lambda one: one[1].mint(identity, told_by=one[0]), enumerate(pair)))  # noqa: B023
                self._note_race("the same identity token", answers)
                self.over.wait(RACE_SECONDS)

    def _race_tokens(self, me: str, chance: random.Random) -> None:
        pair = [self._asking() for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            for release in range(1_000_000):
                if self.over.is_set():
                    return
                number = chance.randrange(self.projects)
                token = self._minted(pair[0], number, features=["single-use-token"])
                if not token:
                    continue
                wheels = [Wheel(project(number), f"{me}.{release}.{part}", 700) for part in range(2)]
                answers = list(pool.map(lambda asking, wheel: asking.upload(wheel, token), pair, wheels))  # noqa: B023
                self.contested.append((wheels[0].filename, wheels[1].filename))
                self.accepted |= {
                    wheel.filename: wheel for wheel, answer in zip(wheels, answers, strict=True) if answer.ok
                }
                self._note_race("a token for one file", answers)

    def _note_race(self, what: str, answers: list[Answer]) -> None:
        good = sum(one.ok for one in answers)
        if good > 1:
            self.tally.blame(f"{what} was taken twice")
        elif good == 1:
            self.won += 1
        elif not any(one.status == 0 or one.later for one in answers):
            self.tally.blame(f"{what} was taken by neither: {[(one.status, one.body[:200]) for one in answers]}")

    # Reading and managing

    def _read(self, me: str, chance: random.Random) -> None:
        asking = self._asking()
        while not self.over.is_set():
            wheel = self._any(chance)
            if wheel is None:
                continue
            answer = self._until_answered(lambda: asking.page(wheel.name))  # noqa: B023
            if not answer.ok:
                if answer.status and not answer.later:
                    self.tally.blame(f"the page of {wheel.name} was answered {answer.status}")
                continue
            found = [one for one in answer.json["files"] if one["filename"] == wheel.filename]
            if not found:
                self.tally.blame(f"{wheel.filename} was accepted, and is gone")
                continue
            path = urlsplit(found[0]["url"]).path
            answer = self._until_answered(lambda: asking.ask("download", "GET", path, {}))  # noqa: B023
            if answer.ok and hashlib.sha256(answer.body).hexdigest() != wheel.sha256:
                self.tally.blame(f"{wheel.filename} came back with other bytes")
            if not answer.ok and answer.status and not answer.later:
                self.tally.blame(f"{wheel.filename} was answered {answer.status}")

    def _manage(self, me: str, chance: random.Random) -> None:
        """Yank and offer again, and see on the page of another connection that it is so."""
        asking, other = self._asking(), self._asking()
        while not self.over.is_set():
            wheel = self._any(chance)
            if wheel is None:
                continue
            for what, yanked in (("yank", True), ("unyank", False)):
                body = {"filenames": [wheel.filename]} | ({"reason": "soaked"} if yanked else {})
                path = f"/projects/{wheel.name}/{what}"
                asked = 0

                def manage(path: str = path, body: dict[str, Any] = body) -> Answer:
                    nonlocal asked
                    asked += 1
                    return asking.manage("POST", path, self.manager, body)

                answer = self._until_answered(manage)
                # Whose worker was killed with the answer on its lips was done already, and cannot be done again.
                if not answer.ok and not (answer.status == 409 and asked > 1):
                    if answer.status and not answer.later:
                        self.tally.blame(f"{what} was answered {answer.status} {answer.body[:300]!r}")
                    break
                answer = self._until_answered(lambda: other.page(wheel.name))  # noqa: B023
                shown = answer.ok and next(
                    one for one in answer.json["files"] if one["filename"] == wheel.filename
                ).get("yanked", False)
                if answer.ok and bool(shown) != yanked:
                    self.tally.blame(f"{wheel.filename} was to be {what}ed, and the page shows {shown!r}")

    def _any(self, chance: random.Random) -> Wheel | None:
        known = list(self.accepted.values())
        if known:
            return chance.choice(known)
        time.sleep(0.05)
        return None
