"""Leave: pages come, join and go; the web process must forget them (R9).

Memory that a process has asked for once it keeps, and each join is an entry of the audit log, of
which the hub remembers the newest ten thousand: so the first rounds warm it. After them nothing may
grow with the number of pages that were there.
"""

import http.client
import time
from contextlib import closing

from benchmarks.contestants import Portal
from benchmarks.crowd import Crowd
from benchmarks.ear import HOST
from benchmarks.servers import Server
from portal.embedded.processes import wait_until

_SETTLE_SECONDS = 2.0
_PATIENCE_SECONDS = 30.0
_HELD = ("vigil_sockets ", "vigil_channels ")


def come_and_go(portal: Portal, *, warm: int, rounds: int, pages: int) -> dict[str, float]:
    """Megabytes of the process after `warm` rounds and after `rounds` more, with nobody there."""
    portal.start()
    (server,) = portal.servers
    memory: list[int] = []
    try:
        for _ in range(warm + rounds):
            with closing(Crowd(portal.each(pages))) as crowd:
                if crowd.failures:
                    reason = crowd.failures[0]
                    raise RuntimeError(f"{len(crowd.failures)} did not open: {reason}")
            if not wait_until(lambda: _held(server) == 0, _PATIENCE_SECONDS, every=0.2):
                raise RuntimeError(f"{_held(server):.0f} of those that are gone are still held")
            time.sleep(_SETTLE_SECONDS)
            memory.append(server.memory())
    finally:
        portal.stop()
    return {
        "leave_pages": float(rounds * pages),
        "leave_warm_mib": memory[warm - 1] / 1024**2,
        "leave_last_mib": memory[-1] / 1024**2,
    }


def _held(server: Server) -> float:
    """The sockets and channels that the process says it has."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
    with closing(connection):
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(_HELD)
    )
