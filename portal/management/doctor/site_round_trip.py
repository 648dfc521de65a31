"""A change on its whole way to a page: over sockets to the running site, through its proxy.

Asked only with `--roundtrip --site`. Which web process answers a socket is the proxy's choice, so
there are more sockets than processes; each process says on record where it is
(`portal.round_trips`), and those that were not reached are named. A process that hangs takes a
socket and never answers it.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connections
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Origin

from portal import round_trips, tenancy
from portal.management.doctor.finding import Finding, problem, warning
from portal.management.doctor.outside import SOCKET
from portal.management.doctor.round_trip import ACTION, TRIES, organization_of, timed
from portal.models import AuditEntry
from portal.operations import history
from portal.operations.history import Process
from portal.round_trips import RoundTrip

# For a handshake and its join, and for each change.
PATIENCE_SECONDS = 5.0
MOST_SOCKETS = 16

_UNANSWERED = "not answered"
_HANGS = (
    "A web process hangs, or the proxy leads to one that is gone:"
    " docs/runbook.md, “Pages do not move by themselves”, 5"
)
_REFUSED = {
    401: "The site has another database, SECRET_KEY or version than this process: run the doctor"
    " where the web processes run, with their environment",
    403: "The proxy must pass the Host that was asked (Host $host), and ALLOWED_HOSTS name it",
}


class _Ear:
    """One socket: what became of it, and when it heard each change (`time.perf_counter`)."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_live = False
        self.trouble = ""
        self.status = 0  # with which it was refused
        self.arrivals: dict[str, float] = {}
        self._moved = asyncio.Event()

    async def listen(self, site: str, trip: RoundTrip) -> None:
        """Join, and hear what comes until cancelled."""
        url = urlsplit(site)
        address = f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{SOCKET}"
        try:
            async with connect(
                f"{address}&page={self.number}",
                origin=Origin(f"{url.scheme}://{url.netloc}"),
                additional_headers={round_trips.HEADER: trip.ticket},
                compression=None,
                proxy=None,
                open_timeout=None,
                close_timeout=1,
            ) as line:
                await self._hear(line, trip)
        except InvalidStatus as refusal:
            self.status = refusal.response.status_code
            self.trouble = f"refused with {self.status}"
        except (OSError, WebSocketException) as error:
            self.trouble = f"broken off ({type(error).__name__})"
        self._moved.set()

    async def goes_live(self) -> None:
        """Wait until its join is answered, or it has failed, or patience ends."""
        if not await self._reaches(lambda: self.is_live):
            self.trouble = self.trouble or _UNANSWERED

    async def hears(self, change: str) -> None:
        """Wait for a change, no longer than patience lasts."""
        await self._reaches(lambda: change in self.arrivals)

    async def _reaches(self, there: Callable[[], bool]) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (there() or self.trouble):
                    self._moved.clear()
                    await self._moved.wait()
        return there()

    async def _hear(self, line: ClientConnection, trip: RoundTrip) -> None:
        config = {"postgres_changes": [trip.binding]}
        await line.send(json.dumps(["1", "1", "realtime:doctor", "phx_join", {"config": config}]))
        async for text in line:
            _, _, _, event, payload = json.loads(text)
            if event == "postgres_changes":
                self.arrivals.setdefault(payload["data"]["record"]["id"], time.perf_counter())
            elif event == "system" and payload["extension"] == "postgres_changes":
                self.is_live = True
            elif event == "phx_reply" and payload["status"] != "ok":
                self.trouble = "refused their join"
            self._moved.set()
        self.trouble = "closed"


def look(site: str, slug: str | None = None) -> Iterator[Finding]:
    """Make TRIES changes in an organization, and wait for each at every socket."""
    organization = organization_of(slug)
    if organization is None:
        return  # said by the round trip without a site
    with tenancy.acting_for(None, system=True):
        processes = history.processes(timezone.now())
    # A proxy that takes turns then leaves none out, and one that leads by chance few.
    count = min(MOST_SOCKETS, 2 + 2 * len(processes))
    trip = round_trips.begin(organization.pk, TRIES)
    try:
        ears, began = asyncio.run(_try(site, trip, count))
    finally:
        places = round_trips.end(trip)
    yield from _of_sockets(ears)
    yield from _of_processes(ears, began, places)
    yield from _unreached(processes, places)


async def _try(site: str, trip: RoundTrip, count: int) -> tuple[list[_Ear], dict[str, float]]:
    """The sockets, and when each change began to be written."""
    ears = [_Ear(number) for number in range(1, count + 1)]
    listening = [asyncio.create_task(ear.listen(site, trip)) for ear in ears]
    began: dict[str, float] = {}
    try:
        await asyncio.gather(*(ear.goes_live() for ear in ears))
        live = [ear for ear in ears if ear.is_live]
        for change in [str(change) for change in trip.changes] if live else []:
            began[change] = await asyncio.to_thread(_write, trip.organization_id, UUID(change))
            await asyncio.gather(*(ear.hears(change) for ear in live))
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return ears, began


def _write(organization_id: UUID, change: UUID) -> float:
    try:
        with tenancy.acting_for(organization_id, system=True):
            began = time.perf_counter()
            AuditEntry.objects.create(pk=change, organization_id=organization_id, action=ACTION)
    finally:
        # Of this thread, which nobody closes after it.
        connections.close_all()
    return began


# What is said of it ---------------------------------------------------------------------------


def _of_sockets(ears: Sequence[_Ear]) -> Iterator[Finding]:
    troubles = Counter((ear.trouble, ear.status) for ear in ears if ear.trouble)
    for (trouble, status), count in sorted(troubles.items()):
        what = f"{count} of {len(ears)} sockets were {trouble}"
        if trouble == _UNANSWERED:
            yield problem(f"{what} within {PATIENCE_SECONDS:.0f} s", _HANGS)
        else:
            yield problem(what, _REFUSED.get(status, _HANGS))


def _of_processes(
    ears: Sequence[_Ear], began: Mapping[str, float], places: Mapping[str, str]
) -> Iterator[Finding]:
    by_place: dict[str, list[_Ear]] = {}
    for ear in ears:
        if ear.is_live:
            by_place.setdefault(places[str(ear.number)], []).append(ear)
    for place, of_it in sorted(by_place.items()):
        seconds = [
            ear.arrivals[change] - at
            for ear in of_it
            for change, at in began.items()
            if change in ear.arrivals
        ]
        if lost := len(of_it) * len(began) - len(seconds):
            yield problem(
                f"Web process {place}: {lost} of {lost + len(seconds)} times a change was not"
                f" heard within {PATIENCE_SECONDS:.0f} s",
                "See the areas “relay”, “bus” and “triggers”" if seconds else _HANGS,
            )
        if seconds:
            yield timed(f"Web process {place}: a page hears a change", seconds)


def _unreached(processes: Sequence[Process], places: Mapping[str, str]) -> Iterator[Finding]:
    reached = set(places.values())
    missing = [process for process in processes if process.place not in reached]
    if missing:
        names = ", ".join(
            f"{process.place}{' (silent)' if process.is_silent else ''}" for process in missing
        )
        yield warning(
            f"No socket reached {names}",
            "A silent one hangs or is gone: docs/runbook.md, “Pages do not move by themselves”, 5;"
            " another is not behind this address, or ended just now",
        )
