"""W4 and W7: 10,000 sockets in one web process; then it is killed, and they come to the other.

W4 is what they cost while they are idle: memory of the process, connections of the database. W7 is
the way back: killed without a word, every page returns after a moment of its own (the backoff of
static/js/realtime) with its cursor, and must be told what was changed meanwhile.
"""

import signal
import threading
import time
from contextlib import closing

import psycopg

from benchmarks.contestants import SHARED, Portal
from benchmarks.crowd import Crowd
from benchmarks.listener import SINCE

_SETTLE_SECONDS = 3.0
_MISSED = 5
_LONGEST_SECONDS = 90.0

Figures = dict[str, float]


class Connections(threading.Thread):
    """Looks how many connections the portal has, and keeps the most."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(daemon=True)
        self._url = portal.stage.portal.superuser
        self._is_over = threading.Event()
        self.most = 0

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._is_over.wait(0.2):
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND usename <> 'vigil_owner'"
                    " AND pid <> pg_backend_pid()"
                ).fetchone()
                self.most = max(self.most, row[0] if row else 0)

    def end(self) -> int:
        self._is_over.set()
        self.join()
        return self.most


def herd(portal: Portal, sockets: int) -> Figures:
    """Both, with two web processes on the bus between processes."""
    bus = {"REDIS_URL": portal.stage.valkey.url}
    portal.begin()
    first = portal.serve(**bus)
    second = None
    connections = Connections(portal)
    connections.start()
    try:
        portal.servers = [first]
        second = portal.serve(**bus)
        portal.servers = [first, second]
        empty = first.memory()
        cpu = first.cpu()
        visitors = portal.visitors[:sockets]
        seats = [portal.seat(visitor, SHARED, again=SINCE) for visitor in visitors]
        with closing(Crowd(seats)) as crowd:
            if crowd.failures:
                raise RuntimeError(f"{len(crowd.failures)} did not open: {crowd.failures[0]}")
            opened = {"w4_open_seconds": crowd.opened_in, "w4_open_cpu": first.cpu() - cpu}
            time.sleep(_SETTLE_SECONDS)
            full = first.memory()
            back = _come_back(portal, crowd, sockets)
            # Those of the return too: the dead process's are gone by then.
            most = connections.end()
    finally:
        portal.stop()
    return {
        **opened,
        "w4_kib": (full - empty) / 1024 / sockets,
        "w4_process_mib": full / 1024**2,
        "w4_connections": most,
        **back,
    }


def _come_back(portal: Portal, crowd: Crowd, sockets: int) -> Figures:
    crowd.begin(comes_back=True, since=portal.position())
    first, _ = portal.servers
    killed_at = time.monotonic_ns()
    first.stop(signal.SIGKILL)
    clinics = {visitor.organization_id for visitor in portal.visitors[:sockets]}
    for _ in range(_MISSED):
        for clinic in clinics:
            portal.change_all_of(clinic)
    is_whole = crowd.heard(_MISSED * sockets, _LONGEST_SECONDS)
    heard = crowd.report()
    back = sorted((at - killed_at) / 1e9 for at in heard.ready_at) or [float("nan")]
    return {
        "w7_seconds": back[-1],
        "w7_half_seconds": back[len(back) // 2],
        "w7_back": len(heard.ready_at),
        "w7_turned_away": heard.refused,
        "w7_missing": 0 if is_whole else _MISSED * sockets - heard.count,
    }
