"""W8: an authorised feed. Every user is entitled to a fifth of the changes, each to another fifth.

The shape of the published table for hosted services, where a change is checked against the rights
of each subscriber: users times changes a second. Two web processes on the bus between processes.
"""

import random
import time

from benchmarks.contestants import EACH, Portal
from benchmarks.crowd import Crowd, Spread
from benchmarks.population import FIFTH

_MOST_WRITES = 250  # statements a second; above it, several rows in each
_DRAIN_SECONDS = 3.0

Figures = dict[str, float]


def feed(
    portal: Portal,
    patients: list[str],
    users: tuple[int, ...],
    rates: tuple[int, ...],
    *,
    seconds: float,
) -> list[Figures]:
    """A line for each number of users and rate of changes."""
    portal.begin()
    bus = {"REDIS_URL": portal.stage.valkey.url}
    portal.servers = [portal.serve(**bus) for _ in range(2)]
    lines = []
    crowd: Crowd | None = None
    try:
        for count in users:
            seated = crowd.size if crowd else 0
            seats = [
                portal.seat(visitor, EACH, first=number % 2)
                for number, visitor in enumerate(portal.visitors[seated:count])
            ]
            if crowd is None:
                crowd = Crowd(seats)
                failures = crowd.failures
            else:
                failures = crowd.join(seats)
            if failures:
                raise RuntimeError(f"{len(failures)} did not open: {failures[0]}")
            lines += [_cell(portal, patients, crowd, rate, seconds) for rate in rates]
    finally:
        if crowd is not None:
            crowd.close()
        portal.stop()
    return lines


def _cell(portal: Portal, patients: list[str], crowd: Crowd, rate: int, seconds: float) -> Figures:
    """One number of users at one rate."""
    rows = -(-rate // _MOST_WRITES)
    pace, clinic = rate / rows, portal.visitors[0].organization_id
    chance = random.Random(rate)
    crowd.begin()
    cpu, began = portal.cpu(), time.monotonic()
    written = 0
    while (at := written / rows / pace) < seconds:
        pause = began + at - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        elif pause < -1:
            break
        portal.change_patients(clinic, chance.choices(patients, k=rows))
        written += rows
    took = time.monotonic() - began
    # Everybody is on the teams of exactly a fifth of the patients, so this is what to expect
    # on average; what was due to whom is checked by the tests, not here.
    expected = written * crowd.size / FIFTH
    crowd.heard(round(expected * 0.97), _DRAIN_SECONDS)
    heard = crowd.report()
    spread = Spread.of(heard.waits)
    return {
        "w8_users": crowd.size,
        "w8_rate": rate,
        "w8_written": written / took,
        "w8_share": heard.count / expected,
        "w8_deliveries": heard.count / took,
        "w8_p50": spread.p50,
        "w8_p95": spread.p95,
        "w8_p99": spread.p99,
        "w8_cpu": (portal.cpu() - cpu) * 1e6 / max(1, heard.count),
        "w8_client": heard.busy,
    }
