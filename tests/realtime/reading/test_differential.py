"""Three ways to the same events: by socket, by polling, and by SQL under the reader's own rights.

A random world of people, rights and writes, in phases: rights change, then things happen, and
everybody must have heard the same by each way. SQL asks the log as the application's role inside
the reader's context: what row-level security lets through, filtered by a WHERE clause of our own.
"""

import asyncio
import os
import random
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, connections
from psycopg.types.json import Jsonb

from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Membership,
    Patient,
    Provider,
    Role,
    User,
)
from portal.tenancy import acting_for
from tests.realtime.reading.near import (
    PATIENCE_SECONDS,
    NearSocket,
    engine_here,
    polled,
    pooled,
    session_row,
    until,
)
from tests.realtime.reading.wire import number

WORLDS = int(os.environ.get("DIFFERENTIAL_WORLDS", "3"))
PHASES = 3
WRITES = 150

TABLES = ("vital_signs", "appointments", "assessment_critical_alerts", "time_blocks")
OPERATIONS = ("INSERT", "UPDATE", "DELETE")
CODES = ("8867-4", "59408-5")


class Reader:
    """One person: their session, what their page listens to, what it heard in this phase."""

    def __init__(self, user, organization, luck):
        self.user, self.organization = user, organization
        self.key = uuid4().hex
        self.luck = luck
        self.bindings, self.where = [], []
        self.socket = None

    def choose_bindings(self, patients):
        """A few different ones, each with the condition in SQL that says the same."""
        record = "(CASE operation WHEN 'DELETE' THEN old_record ELSE record END)"
        found = {}
        for _ in range(self.luck.randint(1, 3)):
            table = self.luck.choice(TABLES)
            asked, said = {"table": table, "event": "*"}, [f"table_name = '{table}'"]
            if self.luck.random() < 0.3:
                asked["event"] = self.luck.choice(OPERATIONS)
                said.append(f"operation = '{asked['event']}'")
            if table == "vital_signs" and self.luck.random() < 0.4:
                code = self.luck.choice(CODES)
                asked["filter"] = f"code=eq.{code}"
                said.append(f"{record} ->> 'code' = '{code}'")
            elif table != "time_blocks" and self.luck.random() < 0.3:
                some = self.luck.sample(patients, 2)
                asked["filter"] = f"patient_id=in.({','.join(map(str, some))})"
                said.append(f"{record} ->> 'patient_id' IN ('{some[0]}', '{some[1]}')")
            found[str(asked)] = (asked, " AND ".join(said))
        self.bindings = [asked for asked, _ in found.values()]
        self.where = [said for _, said in found.values()]

    # Three ways ---------------------------------------------------------------------------------

    def open(self, since=None):
        self.socket = NearSocket(self.key)
        extra = {"since": since} if since else {}
        self.socket.join(*({**each, **extra} for each in self.bindings))

    def heard(self):
        """By the socket: (seq, binding), in the order of arrival."""
        frames = self.socket.frames
        replies = [frame[4] for frame in frames if frame[3] == "phx_reply"]
        if not replies:
            return []
        ids = [each["id"] for each in replies[0]["response"]["postgres_changes"]]
        found = []
        for frame in frames:
            if frame[3] == "postgres_changes":
                seq = number(frame[4]["data"]["position"])
                found.append((seq, sorted(map(ids.index, frame[4]["ids"]))))
        return found

    def polled(self, cursor):
        """By polling, page after page."""
        found, more = [], True
        while more:
            status, answer = polled(self.key, cursor, *self.bindings)
            if status == 401:
                return []
            found += [(number(e["data"]["position"]), sorted(e["ids"])) for e in answer["events"]]
            cursor, more = answer["cursor"], answer["more"]
        return found

    def selected(self, start, head):
        """By SQL under their rights."""
        met = ", ".join(f"coalesce({each}, false)" for each in self.where)
        try:
            with acting_for(self.organization.pk, self.user.pk), connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT seq, ARRAY[{met}] FROM realtime_events WHERE kind = 'change'"
                    " AND seq > %s AND seq <= %s ORDER BY seq",
                    [start, head],
                )
                rows = cursor.fetchall()
        finally:
            connections.close_all()
        told = [(seq, [index for index, is_met in enumerate(met) if is_met]) for seq, met in rows]
        return [(seq, ids) for seq, ids in told if ids]


class World:
    """Two clinics, and what happens in them."""

    def __init__(self, seed, clinics):
        self.luck = random.Random(seed)
        self.clinics = clinics
        self.readers, self.patients, self.providers = [], [], []

    def seat(self):
        """Write people and first rights, as the owner."""
        luck, models = self.luck, []
        for clinic, people, patients in ((self.clinics[0], 9, 5), (self.clinics[1], 3, 2)):
            users = [User(email=f"{uuid4().hex}@world.example", name="U") for _ in range(people)]
            models += users
            models += [
                Membership(organization=clinic, user=user, role=luck.choice(list(Role)))
                for user in users
            ]
            mine = iter(luck.sample(users, people))
            made = [
                Patient(
                    organization=clinic,
                    user=next(mine) if luck.random() < 0.4 else None,
                    mrn=uuid4().hex,
                    name="P",
                    birth_on="1990-01-01",
                )
                for _ in range(patients)
            ]
            clinicians = [
                Provider(organization=clinic, user=user, name="D")
                for user in luck.sample(users, people // 2)
            ]
            models += [*made, *clinicians]
            models += [
                CareTeamMembership(organization=clinic, patient=patient, provider=provider)
                for patient in made
                for provider in clinicians
                if luck.random() < 0.5
            ]
            models += [
                Caregiver(organization=clinic, patient=patient, user=user)
                for patient in made
                for user in users
                if luck.random() < 0.15
            ]
            models += [
                AccessGrant(organization=clinic, patient=patient, user=user, subject_id=uuid4())
                for patient in made
                for user in users
                if luck.random() < 0.1
            ]
            self.patients += made
            self.providers += clinicians
            self.readers += [Reader(user, clinic, random.Random(luck.random())) for user in users]
        models += [session_row(each.key, each.user, each.organization) for each in self.readers]
        try:
            for model in models:
                model.save(using="owner", force_insert=True)
        finally:
            connections.close_all()

    async def change_rights(self, owner):
        """A few rights begin, end, or become others."""
        luck = self.luck
        toggled = "ends_at = CASE WHEN ends_at IS NULL THEN now() END"
        for table in ("care_team_memberships", "caregivers", "access_grants"):
            await owner.execute(f"UPDATE {table} SET {toggled} WHERE random() < 0.3")
        for reader in luck.sample(self.readers, 3):
            await owner.execute(
                "UPDATE memberships SET role = %s WHERE user_id = %s",
                [luck.choice(list(Role)), reader.user.pk],
            )
        await owner.execute(
            "UPDATE memberships SET ended_at = now() WHERE user_id = %s",
            [luck.choice(self.readers).user.pk],
        )

    async def write(self, connection, count):
        """So many changes, each for an audience of its own."""
        luck, rows = self.luck, []
        for _ in range(count):
            clinic = luck.choice((self.clinics[0], self.clinics[0], self.clinics[1]))
            patient = luck.choice(self.patients).pk
            topics = {
                f"patient:{patient}",
                f"care:{patient}",
                f"team:{patient}",
                f"staff:{clinic.pk}",
                f"admin:{clinic.pk}",
                f"tenant:{clinic.pk}",
                f"provider:{luck.choice(self.providers).pk}",
                f"user:{luck.choice(self.readers).user.pk}",
            }
            operation = luck.choice(OPERATIONS)
            record = {"id": str(uuid4()), "patient_id": str(patient), "code": luck.choice(CODES)}
            rows.append(
                [
                    # Also what names a topic of another clinic, by a mistake that must not matter.
                    clinic.pk,
                    luck.sample(sorted(topics), luck.randint(1, 2)),
                    luck.choice(TABLES),
                    record["id"],
                    operation,
                    Jsonb(record) if operation != "DELETE" else None,
                    Jsonb(record) if operation != "INSERT" else None,
                ]
            )
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, row_id,"
                " operation, record, old_record) VALUES (%s, 'change', %s, %s, %s, %s, %s, %s)",
                rows,
            )


@pytest.fixture
def engine(committed, log, settings, monkeypatch, database_urls):
    settings.REALTIME_LIMITS = {"joins_per_second": 1_000}
    with pooled(monkeypatch):
        yield lambda: engine_here(database_urls.engine)


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_each_way_tells_the_same(engine, database_urls, clinic, other_clinic, seed):
    world = World(seed, (clinic, other_clinic))
    await asyncio.to_thread(world.seat)
    told = 0
    async with (
        engine() as hub,
        await psycopg.AsyncConnection.connect(database_urls.owner, autocommit=True) as owner,
        await psycopg.AsyncConnection.connect(database_urls.superuser, autocommit=True) as writer,
    ):
        for phase in range(PHASES):
            if phase:
                await world.change_rights(owner)
            start = await settled(hub, writer)
            if phase % 2:
                hub.core.ring.restart(hub.core.seq)
            how = {}
            for reader in world.readers:
                reader.choose_bindings([patient.pk for patient in world.patients])
                how[reader] = reader.luck.choice(("from the beginning", "midway", "afterwards"))
            await opened(world, how, "from the beginning", None)
            await world.write(writer, WRITES // 2)
            await opened(world, how, "midway", start)
            await world.write(writer, WRITES // 2)
            head = await settled(hub, writer)
            if phase == PHASES - 1:
                hub.core.ring.restart(hub.core.seq)
            await opened(world, how, "afterwards", start)
            for reader in world.readers:
                expected = await asyncio.to_thread(reader.selected, number(start), number(head))
                what = (phase, how[reader], reader.bindings)
                assert await asyncio.to_thread(reader.polled, start) == expected, what
                # The last frame may be on its way from the hub to the socket.
                await until(lambda r=reader, e=expected: len(r.heard()) >= len(e))
                assert reader.heard() == expected, what
                told += len(expected)
                await reader.socket.close()
    # In a world where nobody may hear anything, everything is equal.
    assert told > WRITES


async def opened(world, how, when, since):
    """Open the sockets of those who come now, and wait until each is live or refused."""
    coming = [reader for reader in world.readers if how[reader] == when]
    for reader in coming:
        reader.open(since)
    for reader in coming:
        await reader.socket.until(lambda reader=reader: reader.socket.is_live)


async def settled(hub, connection):
    """Where the log stands once all is in it and the hub has it, with all rights known."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            cursor = await connection.execute(
                "SELECT log_epoch, last_seq FROM realtime_relay"
                " WHERE NOT EXISTS (SELECT FROM realtime_inbox)"
            )
            row = await cursor.fetchone()
            if row is not None and hub.core.seq >= row[1] and not hub.core.readers.held:
                return f"{row[0]}:{row[1]}"
            await asyncio.sleep(0.005)
