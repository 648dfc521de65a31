"""What goes on around the trials of the race: writers who never pause, and a bus that loses."""

import asyncio
import random
from contextlib import ExitStack

import psycopg

from realtime.bus import Bus

PAUSE_SECONDS = 0.05  # of a writer, between two transactions


def bus_of(hub, kind, luck):
    """The hub's bus for the length of a block: `whole`, `lossy`, or `cut`."""
    stack = ExitStack()
    if kind != "whole":
        offer, bus = Bus.offer, hub.bus

        def lossy(message):
            if kind == "lossy" and luck.random() < 0.5:
                offer(bus, message)

        bus.offer = lossy
        stack.callback(lambda: delattr(bus, "offer"))
    return stack


class Writers:
    """Write changes about the patients of a wave, as triggers would."""

    def __init__(self, url, clinic, luck):
        self.url, self.clinic, self.luck = url, clinic, luck

    async def keep_writing(self, wave, stop):
        """Write about some of a wave, again and again, until told to stop."""
        luck = random.Random(self.luck.random())
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            while not stop.is_set():
                await self.write(connection, luck.sample(wave, max(1, len(wave) // 3)), 1)
                await connection.commit()
                await asyncio.sleep(PAUSE_SECONDS)

    async def write(self, connection, wave, times):
        """So many changes about each patient, in one statement."""
        await connection.execute(
            "INSERT INTO realtime_inbox"
            " (organization_id, kind, topics, table_name, row_id, operation, record)"
            " SELECT %s, 'change', ARRAY['patient:' || id], 'vital_signs', id, 'INSERT',"
            " jsonb_build_object('id', id) FROM unnest(%s::text[]) AS id, generate_series(1, %s)",
            [self.clinic.pk, [str(trial.patient_id) for trial in wave], times],
        )
