"""The revocation race: rights end while events flow, and nothing later may arrive.

A trial is one person who looks at one patient, and whose right ends in one of eight ways: while
their page is live, at a place in the middle of its join, or while it polls. Trials run in waves on
one event loop, beside writers who never pause; a wave has its bus whole, lossy or cut. All of it is
chosen by a seed. What must not be is judged from the log and from what reached the page, without
the engine's own code:

    the right ended by a row       no event with seq > S, the position of that row's control event
    the right ended by the clock   no event written at its last moment or later, and after S
    either, once it is known       no event at all, whatever its position: history is told by the
                                   rights of the moment in which it is told
"""

import asyncio
import contextvars
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import psycopg
from django.conf import settings
from django.utils import timezone

from portal.sessions import digest_of
from realtime.failpoints import armed
from tests.realtime.reading.near import NearSocket, polled, until
from tests.realtime.reading.race_judgement import AGAIN, facts_since, leaks
from tests.realtime.reading.race_trials import (
    ENDS_BY_CLOCK,
    HELD,
    LIVE,
    POLLING,
    REVOCATIONS,
    People,
)
from tests.realtime.reading.race_weather import Writers, bus_of
from tests.realtime.reading.wire import number

VITALS = {"table": "vital_signs"}

BUSES = ("whole", "lossy", "cut", "whole")

# The trial whose socket the running task serves: failpoints know nothing of sockets.
_trial = contextvars.ContextVar("trial", default=None)

# So long a right that ends by the clock still has when that is written, and a session that ends
# so when the page is opened.
SOON, LATER = timedelta(seconds=0.3), timedelta(seconds=1.5)
WAVE = 70
WRITERS = 2
# The clock alone ends the session of somebody silent; the rounds over the sockets find it.
CLOSED_SECONDS = 60.0


class Page(NearSocket):
    """The socket of a trial; notes the moment in which the end of the right shows."""

    def __init__(self, trial):
        self._of = trial
        # The task that serves the socket, and the joins it starts, carry the trial along.
        token = _trial.set(trial)
        super().__init__(trial.key)
        _trial.reset(token)

    def arrived(self, text):
        if '"access"' in text and self._of.ended_at is None:
            self._of.ended_at = time.monotonic()

    def ended(self):
        if self._of.ended_at is None:
            self._of.ended_at = time.monotonic()


class Race:
    """Waves of trials against one hub; `calm`: only one right ends at a time."""

    def __init__(self, hub, urls, clinic, seed, *, calm=False):
        self.hub, self.urls, self.clinic = hub, urls, clinic
        self.calm = asyncio.Semaphore(1 if calm else WAVE)
        self.people = People(clinic)
        self.writers = Writers(urls.superuser, clinic, random.Random(f"{seed} writers"))
        self.luck = random.Random(f"{seed} race")
        self.polls = ThreadPoolExecutor(3, thread_name_prefix="polls")
        self.waves = 0
        self.done = []
        self.leaks, self.late = [], []

    async def run(self, all_trials):
        """Run every trial; `leaks` says afterwards what reached whom too late."""
        with ExitStack() as stack:
            for name in HELD:
                stack.enter_context(armed(name, lambda name=name: self._hold(name)))
            # Between a control event and the answer there is time for a few events.
            stack.enter_context(armed("hub.rights", self._dawdle))
            size = min(WAVE, -(-len(all_trials) // 3))
            for start in range(0, len(all_trials), size):
                await self._wave(all_trials[start : start + size])
        self.polls.shutdown()

    async def _hold(self, name):
        trial = _trial.get()
        if trial is not None and trial.where == name:
            trial.reached.set()
            await trial.go_on.wait()

    async def _dawdle(self):
        await asyncio.sleep(self.luck.choice((0, 0, 0.01, 0.04)))

    async def _wave(self, wave):
        bus, self.waves = BUSES[self.waves % len(BUSES)], self.waves + 1
        await asyncio.to_thread(self.people.seat, wave)
        async with (
            await psycopg.AsyncConnection.connect(self.urls.superuser, autocommit=True) as notes,
            await psycopg.AsyncConnection.connect(self.urls.owner, autocommit=True) as owner,
        ):
            start = await self._settled(notes)
            await self.writers.write(notes, wave, 3)
            await self._settled(notes)
            if self.waves % 2:
                # The hub remembers nothing of before: history comes from the database.
                self.hub.core.ring.restart(self.hub.core.seq)
            stop = asyncio.Event()
            with bus_of(self.hub, bus, self.luck):
                writers = [
                    asyncio.create_task(self.writers.keep_writing(wave, stop))
                    for _ in range(WRITERS)
                ]
                turn = asyncio.Lock()
                await asyncio.gather(*(self._run(trial, start, owner, turn) for trial in wave))
                stop.set()
                await asyncio.gather(*writers)
                await self.writers.write(notes, wave, 3)
                await self._settled(notes)
                await until(lambda: not self.hub.core.readers.held and not self.hub._asking)
                await asyncio.gather(*(self._come_back(trial, start) for trial in wave))
                await asyncio.gather(*(self._live_again(trial) for trial in wave if trial.socket))
            facts = await facts_since(notes, number(start))
            for trial in wave:
                self.leaks += leaks(trial, facts)
                if trial.socket is not None:
                    self._note_late(trial)
                    await trial.socket.close()
                if trial.company:
                    await trial.company.close()
        self.done += [(bus, trial) for trial in wave]

    async def _settled(self, connection):
        """Where the log stands once everything written is in it and the hub has it: a cursor."""
        async with asyncio.timeout(CLOSED_SECONDS):
            while True:
                cursor = await connection.execute(
                    "SELECT log_epoch, last_seq FROM realtime_relay"
                    " WHERE NOT EXISTS (SELECT FROM realtime_inbox)"
                )
                row = await cursor.fetchone()
                if row is not None and self.hub.core.seq >= row[1]:
                    return f"{row[0]}:{row[1]}"
                await asyncio.sleep(0.005)

    # One trial -----------------------------------------------------------------------------------

    async def _run(self, trial, start, owner, turn):
        trial.cursor = start
        # Not all in the same moment.
        await asyncio.sleep(trial.luck.uniform(0, 0.3))
        if trial.where == POLLING:
            trial.company = False
            await self._run_polling(trial, owner, turn)
            return
        if trial.way == "session" and trial.is_by_clock:
            # A session's last moment stands when it begins, and is read with the handshake.
            await self._revoke(trial, owner, turn)
        if trial.company:
            await self._open_company(trial)
        trial.socket = Page(trial)
        since = start if trial.where != LIVE or trial.luck.random() < 0.5 else None
        trial.socket.join({**VITALS, **({"since": since} if since else {})})

        def is_there():
            return trial.reached.is_set() or (trial.where == LIVE and trial.socket.is_live)

        try:
            await trial.socket.until(is_there)
        except TimeoutError:
            raise AssertionError(
                f"{trial.name}: does not get there: {trial.socket.texts}"
            ) from None
        if trial.is_by_clock:
            if trial.ends_at is None:
                await self._revoke(trial, owner, turn)
            await asyncio.sleep((trial.ends_at - timezone.now()).total_seconds())
            trial.revoked_at = time.monotonic()
        else:
            async with self.calm:
                # A join that cannot tell whether rights changed says that they may have.
                trial.ended_at, trial.revoking_from = None, len(trial.socket.texts)
                await self._revoke(trial, owner, turn)
                if trial.where == LIVE:
                    await self._shown(trial)
        if trial.where != LIVE and trial.luck.random() < 0.5:
            # The hub hears of it while the join still stands where it stood.
            seq = self.hub.core.seq
            await until(lambda: self.hub.core.seq > seq + WAVE)
        if trial.where != LIVE and trial.is_over:
            trial.marked = self.hub.core.seq, len(trial.socket.texts)
        trial.go_on.set()
        await self._shown(trial)

    async def _open_company(self, trial):
        """Open the same person's other browser: then the hub knows their rights already."""
        trial.company = NearSocket(trial.other_key)
        trial.company.join(VITALS)
        await trial.company.until(lambda: trial.company.is_live)

    async def _shown(self, trial):
        """Wait until the page is closed or told, or its join is over without the right."""
        if trial.is_by_clock and trial.way != "session":
            return  # nobody is told: the hub looks at the clock before it sends
        try:
            await trial.socket.until(
                lambda: trial.ended_at is not None or self._joined_in_vain(trial), CLOSED_SECONDS
            )
        except TimeoutError:
            self.late.append(f"{trial.name}: neither closed nor told")

    def _joined_in_vain(self, trial):
        return trial.where != LIVE and trial.socket.is_live and not self._holds_topic(trial)

    def _holds_topic(self, trial):
        now = time.time()
        found = self.hub.core.readers.of_user(str(trial.user_id), str(self.clinic.pk))
        return any(
            reader.rights.held or reader.rights.until.get(trial.topic, 0) > now for reader in found
        )

    async def _revoke(self, trial, owner, turn):
        values = {
            "user": trial.user_id,
            "patient": trial.patient_id,
            "session": digest_of(trial.key),
        }
        statement = REVOCATIONS[trial.kind][trial.way]
        if trial.is_by_clock:
            trial.ends_at = timezone.now() + (LATER if trial.way == "session" else SOON)
            begun = trial.ends_at - timedelta(seconds=settings.SESSION_COOKIE_AGE)
            values |= {"end": trial.ends_at, "begun": begun}
            statement = ENDS_BY_CLOCK[trial.way]
        async with turn:
            await owner.execute(statement, values)
        trial.revoked_at = time.monotonic()

    async def _run_polling(self, trial, owner, turn):
        if trial.is_by_clock:
            await self._revoke(trial, owner, turn)
        for _ in range(trial.luck.randint(0, 2)):
            await self._poll(trial)
        asking = asyncio.create_task(self._poll(trial))
        if not trial.is_by_clock:
            await asyncio.sleep(trial.luck.uniform(0, 0.02))
            await self._revoke(trial, owner, turn)
        await asking
        await self._poll(trial)

    async def _poll(self, trial, cursor=None):
        loop = asyncio.get_running_loop()
        asked = cursor or trial.cursor
        heard = trial.heard_late if trial.is_over else trial.heard
        status, answer = await loop.run_in_executor(self.polls, polled, trial.key, asked, VITALS)
        assert status in (200, 401), answer
        if status == 200:
            for each in answer["events"]:
                heard.setdefault(number(each["data"]["position"]), "poll")
            trial.cursor = answer["cursor"]

    async def _come_back(self, trial, start):
        """Ask again for everything since the beginning, by a poll or by another channel."""
        if trial.is_by_clock:
            await asyncio.sleep(max(0, (trial.ends_at - timezone.now()).total_seconds()))
        choice = trial.luck.randrange(4)
        if choice == 0 or trial.where == POLLING:
            await self._poll(trial, start)
        elif choice == 1 and trial.socket.closed_with is None:
            trial.socket.join({**VITALS, "since": start}, topic=AGAIN)

    async def _live_again(self, trial):
        joins = [frame for frame in trial.socket.frames if frame[3] == "phx_reply"]
        await trial.socket.until(
            lambda: sum("Subscribed" in text for text in trial.socket.texts) >= len(joins)
        )

    def _note_late(self, trial):
        is_open = trial.socket.closed_with is None
        if is_open and (trial.ends_session or self._holds_topic(trial)):
            self.late.append(f"{trial.name}: still open")
