"""Carries bytes between two addresses: `tcp:PORT` on the loopback, or `unix:PATH`.

Two network namespaces have no network in common, but they see the same files.

    python -m tests.faults.ferry unix:/tmp/server.sock tcp:8000     listen there, connect here
"""

import asyncio
import contextlib
import sys

HOST = "127.0.0.1"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ferry(here: str, there: str) -> asyncio.Server:
    """Listen `here`, and carry whatever comes `there` and back."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await _connected(there)
        except OSError:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, far_writer))
                both.create_task(_carry(far_reader, writer))
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    kind, _, address = here.partition(":")
    if kind == "unix":
        return await asyncio.start_unix_server(accept, address)
    return await asyncio.start_server(accept, HOST, int(address))


async def _connected(address: str) -> Streams:
    kind, _, place = address.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(place)
    return await asyncio.open_connection(HOST, int(place))


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError, RuntimeError):
        target.close()


async def _serve(here: str, there: str) -> None:
    async with await ferry(here, there) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
