# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A way to a port of this machine that is as long as one to another town: ``delaying.py PORT TARGET SECONDS``.

Whatever is sent arrives so many seconds later, in each direction, and no slower: what follows is not held up by what
went before. Loopback connects at once, so the first bytes of a client wait for the round trip that connecting takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from functools import partial


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, first: float) -> None:
    """Everything from the one to the other, each piece ``seconds`` after it came, the first one ``first`` later."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)

    async def deliver() -> None:
        while True:
            due, piece = await on_the_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    earliest = loop.time() + first
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 18):
            await on_the_way.put((max(loop.time(), earliest) + seconds, piece))
    await on_the_way.put((loop.time() + seconds, b""))
    with contextlib.suppress(OSError):
        await delivering


async def _one(target: int, seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        back, onward = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(
            _carry(reader, onward, seconds, 2 * seconds), _carry(back, writer, seconds, 0.0), return_exceptions=True
        )


async def serve(port: int, target: int, seconds: float) -> None:
    """Until the program is ended."""
    listening = await asyncio.start_server(partial(_one, target, seconds), "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
