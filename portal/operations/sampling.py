"""Each web process keeps a look at its hub every ten seconds, so that history survives it.

Delivery needs none of it: a sample that cannot be written is left out, and said once.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connections
from django.utils import timezone

from portal import tenancy
from portal.operations import kept_totals, measures
from portal.operations.measures import HubMeasures, StreamMeasures
from portal.operations.models import (
    Finding,
    Grain,
    HubSample,
    OrganizationSample,
    StreamSample,
)
from realtime.process import PLACE, running

logger = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
# A hub that has not found its place in the log by then is behind.
_FIRST_SECONDS = 3.0
# The last look of a process that ends; more would hold up a restart.
_LAST_SECONDS = 2.0

# How long samples of each grain are kept. Of a minute all are there for the plots of an hour.
KEPT = {
    Grain.FINE: timedelta(minutes=70),
    Grain.MINUTE: timedelta(hours=3),
    Grain.COARSE: timedelta(days=2),
}

FINDINGS_KEPT = timedelta(days=90)

# This run of this process.
RUN = secrets.token_hex(8)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def grain_of(now: datetime, before: datetime | None) -> Grain:
    """The coarsest grain whose interval began since the sample before this one."""
    if before is None:
        return Grain.COARSE
    for grain in (Grain.COARSE, Grain.MINUTE):
        if now.timestamp() // grain != before.timestamp() // grain:
            return grain
    return Grain.FINE


def keep_hub(
    hub: HubMeasures, now: datetime, grain: Grain, *, run: str = RUN, is_last: bool = False
) -> None:
    """Write one look at a hub; with each minute also whose sockets they are."""
    with tenancy.acting_for(None, system=True):
        HubSample.objects.create(
            at=now,
            grain=grain,
            process=run,
            place=PLACE,
            sockets=hub.sockets,
            channels=hub.channels,
            unsent_bytes=hub.unsent_bytes,
            position=hub.position,
            is_fresh=hub.is_fresh,
            bus_is_down=hub.bus_is_down,
            is_last=is_last,
            totals=kept_totals.written(hub.totals),
        )
        if grain >= Grain.MINUTE:
            OrganizationSample.objects.bulk_create(
                OrganizationSample(
                    organization_id=organization, at=now, grain=grain, process=run, sockets=sockets
                )
                for organization, sockets in hub.by_organization.items()
            )


def keep_stream(stream: StreamMeasures, now: datetime, grain: Grain) -> None:
    """Write one look at the stream; for the process in which the relay leads."""
    columns = {each.name for each in StreamSample._meta.fields}
    kept = {name: value for name, value in vars(stream).items() if name in columns}
    with tenancy.acting_for(None, system=True):
        StreamSample.objects.create(at=now, grain=grain, process=RUN, place=PLACE, **kept)


def forget_old(now: datetime) -> int:
    """Delete what is too old for its grain; return how many."""
    forgotten = 0
    with tenancy.acting_for(None, system=True):
        for model in (HubSample, OrganizationSample, StreamSample):
            for grain, kept in KEPT.items():
                forgotten += model._default_manager.filter(grain=grain, at__lt=now - kept).delete()[
                    0
                ]
        forgotten += Finding.objects.filter(ended_at__lt=now - FINDINGS_KEPT).delete()[0]
    return forgotten


class Sampler:
    """The looks of this process."""

    def __init__(self) -> None:
        self._before: datetime | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Keep a look every EVERY_SECONDS, until cancelled."""
        # For so long a hub that was looked at too early would be called behind.
        if (found := running()) is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(found[0].is_ready.wait(), _FIRST_SECONDS)
        while True:
            await self.take()
            await asyncio.sleep(EVERY_SECONDS)

    async def take(self, *, is_last: bool = False) -> None:
        """Keep one look. The last of a process is kept for as long as the coarse ones."""
        try:
            await asyncio.to_thread(self._take, is_last)
            self._is_failing = False
        except Error as error:
            if not self._is_failing:
                logger.warning("A sample could not be kept (%s).", type(error).__name__)
            self._is_failing = True

    def _take(self, is_last: bool) -> None:
        hub = measures.of_hub()
        if hub is None:
            return
        now = timezone.now()
        grain = Grain.COARSE if is_last else grain_of(now, self._before)
        try:
            keep_hub(hub, now, grain, is_last=is_last)
        finally:
            # To the pool: a thread of its own would hold a connection for ever.
            connections.close_all()
        self._before = now


class SampledLifespan:
    """The ASGI lifespan of `inner`, between whose beginning and end samples are kept."""

    def __init__(self, inner: Callable[..., Awaitable[None]]) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        sampler = Sampler()
        tasks: list[asyncio.Task[None]] = []

        async def send_and_begin(message: dict[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                tasks.append(asyncio.create_task(sampler.run(), name="samples"))

        async def receive_and_end() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                for task in tasks:
                    task.cancel()
                with suppress(TimeoutError):
                    # While the hub is still there.
                    await asyncio.wait_for(sampler.take(is_last=True), _LAST_SECONDS)
            return message

        await self.inner(scope, receive_and_end, send_and_begin)
