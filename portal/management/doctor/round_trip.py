"""A change on its whole way: written, put into the log, told by the bus, heard by a hub.

Asked only with `--roundtrip`, because it writes: one entry in the audit log for each try, which
says so. It is heard by a hub of this very process, as a web process has one: so it shows how the
engine does, and nothing of web processes (`site_round_trip` does). Beside the one who may hear it
listens one of another organization.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from portal import audit, tenancy
from portal.management.doctor.catalogue import ENGINE, row
from portal.management.doctor.finding import Finding, ok, problem, warning
from portal.models import AuditEntry, Organization
from realtime import bindings as binding_rules
from realtime.authority import Grants, Identity
from realtime.errors import Unavailable
from realtime.event import Event
from realtime.hub import Hub
from realtime.subscription import Subscription

TRIES = 3
# The source runbook: under half a second is well, over two is down.
SLOW_SECONDS, DOWN_SECONDS = 0.5, 2.0
START_SECONDS = PATIENCE_SECONDS = 10.0

ACTION = "doctor.round_trip"
_FOR_EVER: datetime | None = None


def look(slug: str | None = None) -> Iterator[Finding]:
    """Make TRIES changes in an organization and wait for each."""
    organization = organization_of(slug)
    if organization is None:
        yield problem(
            f"There is no organization {slug or 'yet'}: no change can be made",
            "Name another one with --organization, or make one",
        )
        return
    try:
        heard = asyncio.run(_try(organization.pk))
    except (Unavailable, TimeoutError):
        yield problem("The log cannot be followed as the engine", "See the area “relay”")
        return
    yield from _judged(heard)
    yield _walls(heard.entries)


def organization_of(slug: str | None) -> Organization | None:
    """Where changes are made: the organization that was named, or any."""
    return Organization.objects.filter(**({"slug": slug} if slug else {})).first()


def timed(what: str, seconds: Sequence[float]) -> Finding:
    """How long it took from a change to its hearer, several times."""
    worst, usual = max(seconds), median(seconds)
    said = f"{what} after {usual * 1000:.0f} ms, {worst * 1000:.0f} ms at worst"
    mend = "See the areas “relay”, “bus” and “database”: lag, slow bus, long transactions"
    if worst > DOWN_SECONDS:
        return problem(said, mend)
    return warning(said, mend) if worst > SLOW_SECONDS else ok(said)


@dataclass
class _Heard:
    """What came back."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    by_stranger: int = 0
    entries: list[str] = field(default_factory=list)


class _OneTopic:
    """The authority of this hub: every listener of ours may hear one topic."""

    def __init__(self, topic: str) -> None:
        self._grants: Grants = {topic: _FOR_EVER}

    def identify(self, scope: Mapping[str, Any]) -> Identity | None:
        return None

    def grants(self, identity: Identity) -> Grants | None:
        return self._grants

    def reading(self, identity: Identity) -> AbstractContextManager[object]:
        return tenancy.acting_for(identity.organization_id, identity.user_id)

    def still_valid(self, identities: AbstractSet[Identity]) -> Mapping[Identity, datetime | None]:
        return dict.fromkeys(identities, _FOR_EVER)

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        """Nothing to audit: what is told here was written for it."""


class _Listener:
    """A peer of the hub, and the outlet of its one channel."""

    def __init__(self, organization_id: str) -> None:
        self.identity = Identity(str(uuid4()), organization_id, session=uuid4().hex)
        self.subscriptions: set[Subscription] = set()
        self.arrivals: dict[str, float] = {}
        self.arrived = asyncio.Event()

    def close(self, code: int, reason: str) -> None:
        """Nothing to close: whoever was dropped hears nothing more, and is found to."""

    def event(self, event: Event) -> bool:
        self.arrivals.setdefault(event.row_id or "", time.perf_counter())
        self.arrived.set()
        return True

    def history(self, events: Sequence[Event]) -> bool:
        """Nothing of the past is asked for."""
        return True

    def resync(self, reason: str) -> bool:
        return True


async def _try(organization_id: UUID) -> _Heard:
    topic = f"admin:{organization_id}"
    hub = Hub(authority=_OneTopic(topic))
    await hub.start()
    heard = _Heard()
    try:
        async with asyncio.timeout(START_SECONDS):
            await hub.is_ready.wait()
        listener, stranger = _Listener(str(organization_id)), _Listener(str(uuid4()))
        for each in (listener, stranger):
            await _listen(hub, each)
        for _ in range(TRIES):
            entry = await hub.threads.history(PATIENCE_SECONDS, _write, organization_id)
            heard.entries.append(entry)
            committed = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    # As a hub with sockets does: the bus may be silent, then the log is asked.
                    while entry not in listener.arrivals:
                        listener.arrived.clear()
                        await _next(hub, listener)
            except TimeoutError:
                heard.lost += 1
            else:
                heard.seconds.append(max(0.0, listener.arrivals[entry] - committed))
        heard.by_stranger = len(stranger.arrivals)
    finally:
        await hub.stop()
        await hub.bus.close()
    return heard


async def _next(hub: Hub, listener: _Listener) -> None:
    """Wait for something to arrive; ask the log as often as a hub with sockets does."""
    from realtime.hub import SILENCE_SECONDS

    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            await listener.arrived.wait()
    except TimeoutError:
        await hub.catch_up()


async def _listen(hub: Hub, listener: _Listener) -> None:
    hub.core.arrive(listener, hub.core.seq)
    reader = hub.core.readers.of(listener.identity)
    assert reader is not None
    await hub.settled(reader)
    bindings = binding_rules.parse(
        [{"event": "INSERT", "schema": "public", "table": AuditEntry._meta.db_table}], hub.tables
    )
    hub.core.subscribe(listener, bindings, listener).drain(time.time())


def _write(organization_id: UUID) -> str:
    with tenancy.acting_for(organization_id, system=True):
        audit.record(ACTION, organization_id=organization_id, actor_id=None)
        entry = (
            AuditEntry.objects.filter(action=ACTION).order_by("-at").values_list("pk", flat=True)
        )
        return str(entry[0])


def _judged(heard: _Heard) -> Iterator[Finding]:
    if heard.lost:
        yield problem(
            f"{heard.lost} of {TRIES} changes were not heard within {PATIENCE_SECONDS:.0f} s",
            "See the areas “relay” and “triggers”",
        )
    if heard.seconds:
        yield timed(_way(), heard.seconds)
    if heard.by_stranger:
        yield problem(
            f"Another organization heard {heard.by_stranger} of them",
            "Stop the web processes now: somebody may read what is not theirs (docs/runbook.md)",
        )
    else:
        yield ok("Another organization heard none of it")


def _way() -> str:
    way = "no web process took part"
    if not settings.REDIS_URL:
        way += ", and without a bus the log is asked every 300 ms"
    return f"A hub of the doctor's own ({way}) hears a change"


def _walls(entries: list[str]) -> Finding:
    """The application role, outside of any context, must not find the events in the log."""
    (seen,) = row("SELECT count(*) FROM realtime_events WHERE row_id = ANY(%s)", [entries])
    (there,) = row(
        "SELECT count(*) FROM realtime_events WHERE row_id = ANY(%s)", [entries], using=ENGINE
    )
    if seen:
        return problem(
            "The log shows its events to whoever is nobody",
            "Row-level security is off or wrong: see the area “policies”, stop the web processes",
        )
    return ok(f"Row-level security hides the {there} events from whoever is nobody")
