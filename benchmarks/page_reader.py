"""One process that reads: six pages a second of a patient's readings, and how long each took."""

import http.client
import threading
import time
from multiprocessing.connection import Connection

from benchmarks.ear import HOST

_PAGE = "/health/"
_PER_SECOND = 6
_PATIENCE_SECONDS = 30


def run(port: int, cookie: str, orders: Connection) -> None:
    """The process: ask for pages until told that it is enough, then tell how long each took."""
    orders.send([_ask(port, cookie)])
    enough = threading.Event()
    threading.Thread(target=lambda: (orders.recv(), enough.set()), daemon=True).start()
    waits: list[float] = []
    began = time.monotonic()
    while not enough.wait(began + len(waits) / _PER_SECOND - time.monotonic()):
        waits.append(_ask(port, cookie))
    orders.send(waits)


def _ask(port: int, cookie: str) -> float:
    began = time.monotonic()
    connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE_SECONDS)
    connection.request("GET", _PAGE, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"the page was answered with {answer.status}")
    return (time.monotonic() - began) * 1e3
