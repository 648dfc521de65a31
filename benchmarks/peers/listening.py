"""LISTEN for a Python peer, as cheap as it can be: the socket of libpq on the event loop."""

import asyncio
import os
from collections.abc import Callable

import psycopg


def listen(heard: Callable[[str, str], None]) -> psycopg.Connection:
    """Call `heard(topic, body)` for each change, on the running loop; keep what is returned."""
    connection = psycopg.connect(os.environ["PEERS_URL"], autocommit=True)
    connection.execute(f'LISTEN "{os.environ["PEER"]}"')
    wire = connection.pgconn

    def read() -> None:
        wire.consume_input()
        while (told := wire.notifies()) is not None:
            topic, _, body = told.extra.decode().partition(" ")
            heard(topic, body)

    asyncio.get_running_loop().add_reader(wire.socket, read)
    return connection
