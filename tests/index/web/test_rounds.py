# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that come together are worked on together, and each is answered for itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from trustpub.index.web.rounds import MOST, Rounds


def test_those_who_come_while_a_round_is_under_way_are_all_in_the_next() -> None:
    rounds: list[list[int]] = []
    begun, free = threading.Event(), threading.Event()

    def double(asked: Sequence[int]) -> list[int]:
        rounds.append(list(asked))
        begun.set()
        free.wait(10)
        return [2 * one for one in asked]

    async def main() -> list[int]:
        desk: Rounds[int, int] = Rounds(double)
        first = asyncio.ensure_future(desk.ask(0))
        assert await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.ensure_future(desk.ask(number)) for number in range(1, 10)]
        await asyncio.sleep(0.01)
        free.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(main()) == [2 * number for number in range(10)]
    assert rounds == [[0], list(range(1, 10))]


def test_a_round_is_bounded_and_the_rest_is_in_the_one_after() -> None:
    sizes: list[int] = []

    def count(asked: Sequence[int]) -> list[int]:
        sizes.append(len(asked))
        return list(asked)

    async def main() -> list[int]:
        desk: Rounds[int, int] = Rounds(count)
        return list(await asyncio.gather(*(desk.ask(number) for number in range(MOST + 5))))

    assert asyncio.run(main()) == list(range(MOST + 5))
    assert sizes == [MOST, 5]


def test_what_one_raises_is_raised_there_alone() -> None:
    def refuse_odd(asked: Sequence[int]) -> list[int | Exception]:
        return [LookupError(str(one)) if one % 2 else one for one in asked]

    async def main() -> list[int | BaseException]:
        desk: Rounds[int, int] = Rounds(refuse_odd)
        return list(await asyncio.gather(*(desk.ask(number) for number in range(4)), return_exceptions=True))

    told = asyncio.run(main())
    assert [told[0], told[2]] == [0, 2]
    assert [str(told[1]), str(told[3])] == ["1", "3"]


def test_a_round_that_fails_leaves_nobody_waiting_and_the_next_one_works() -> None:
    failing = [True]

    def work(asked: Sequence[int]) -> list[int]:
        if failing.pop():
            failing.append(False)
            raise OSError("no disk")
        failing.append(False)
        return list(asked)

    async def main() -> int:
        desk: Rounds[int, int] = Rounds(work)
        told = await asyncio.gather(desk.ask(1), desk.ask(2), return_exceptions=True)
        assert all(isinstance(one, OSError) for one in told)
        return await desk.ask(3)

    assert asyncio.run(main()) == 3


def test_who_gives_up_waiting_does_not_disturb_the_others() -> None:
    free = threading.Event()

    def work(asked: Sequence[int]) -> list[int]:
        free.wait(10)
        return list(asked)

    async def main() -> int:
        desk: Rounds[int, int] = Rounds(work)
        gone, stays = asyncio.ensure_future(desk.ask(1)), asyncio.ensure_future(desk.ask(2))
        await asyncio.sleep(0.02)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        free.set()
        return await stays

    assert asyncio.run(main()) == 2
