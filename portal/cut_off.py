"""An end to what a peer draws out.

A socket's timeout is that of one wait: who says a byte before each is over holds us for ever.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# While TLS begins, a socket changes hands and cannot be shut: it is tried again.
_AGAIN_SECONDS = 0.5


@contextmanager
def cut_off_after(seconds: float, line: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut the socket that `line` names once the block has lasted for `seconds`.

    Raises TimeoutError then, whatever the block made of it. Looking up a name and connecting are
    not ended by it: they have the system's limits and the socket's own timeout.
    """
    is_over, is_cut = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not is_over.wait(wait):
            is_cut.set()
            wait = _AGAIN_SECONDS
            found = line()
            if found is not None:
                with suppress(OSError):
                    # Of the plain socket: TLS has no time to say goodbye.
                    socket.socket.shutdown(found, socket.SHUT_RDWR)

    threading.Thread(target=watch, name="cut off", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        if is_cut.is_set():
            raise TimeoutError
