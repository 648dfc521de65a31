"""Who writes during a run: readings, in transactions of every shape, and places on care teams."""

import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import psycopg

from tests.faults.facts import FAILED, OK, UNKNOWN, Fact, Write

# Alerts are judged by code: nobody has a rule for these.
CODE = "fault-{}"
_INSERT = (
    "INSERT INTO vital_signs (id, organization_id, patient_id, category, code, code_system,"
    " display, text_value, unit, components, interpretation, measured_at, time_is_known, source,"
    " status, created_at, is_implausible, method, reported_unit, reported_value)"
    " VALUES (%s, %s, %s, 'vital-signs', %s, 'http://loinc.org', 'Reading', '', '', '[]', '',"
    " now(), true, 'import', 'final', now(), false, '', '', '')"
)
_UPDATE = "UPDATE vital_signs SET code = %s WHERE id = %s"
_PLACE = (
    "UPDATE care_team_memberships SET ends_at ="
    " CASE WHEN %s THEN NULL ELSE greatest(clock_timestamp(), starts_at) END WHERE id = %s"
)


class Line:
    """A connection as the application, in a clinic, as the system; opened anew when it is lost."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: psycopg.AsyncConnection | None = None

    async def begin(self, organization: str) -> psycopg.AsyncConnection:
        """A transaction, whenever there is a database to have it."""
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await psycopg.AsyncConnection.connect(
                        self.url, connect_timeout=5
                    )
                await self._connection.execute(
                    "SELECT set_config('portal.organization', %s, true),"
                    " set_config('portal.system', 'on', true)",
                    [organization],
                )
            except psycopg.Error:
                # Nothing was begun, so nothing failed.
                await self.close()
                await asyncio.sleep(0.1)
            else:
                return self._connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


@dataclass
class Writer:
    """Writes about `patients` until cancelled, one transaction after another."""

    number: int
    url: str
    patients: list[dict[str, str]]
    dice: Random
    pause: float
    writes: list[Write] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = f"writer {self.number}"
        self._rows: list[tuple[str, str, int]] = []  # organization, row, version
        self._made = 0

    async def run(self, end: asyncio.Event) -> None:
        line = Line(self.url)
        while not end.is_set():
            await self.write(line)
            await asyncio.sleep(self.dice.uniform(0, 2 * self.pause))
        await line.close()

    async def write(self, line: Line) -> None:
        """One transaction, whatever comes of it."""
        patient = self.dice.choice(self.patients)
        is_change = bool(self._rows) and self.dice.random() < 0.25
        statements, facts = self._change() if is_change else self._readings(patient)
        organization = statements[0][2] if is_change else patient["organization"]
        gives_up = not is_change and self.dice.random() < 0.05
        connection = await line.begin(organization)
        began, outcome, error = time.monotonic(), FAILED, ""
        try:
            for query, values, _ in statements:
                await connection.execute(query, values)
                if self.dice.random() < 0.2:
                    # Ids are drawn here and become visible later: what a naive reader skips.
                    await asyncio.sleep(self.dice.uniform(0, 0.05))
            if gives_up:
                await connection.rollback()
            else:
                outcome = UNKNOWN
                await connection.commit()
                outcome = OK
        except psycopg.Error as problem:
            error = f"{type(problem).__name__} {problem.sqlstate or ''}".strip()
            await line.close()
        self.writes.append(Write(self.name, began, time.monotonic(), outcome, tuple(facts), error))
        if outcome == OK:
            self._rows += [(organization, row, version) for row, version in facts]

    def _readings(self, patient: dict[str, str]) -> tuple[list[tuple], list[Fact]]:
        statements, facts = [], []
        for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
            self._made += 1
            row = str(UUID(int=(self.number << 64) | self._made))
            values = [row, patient["organization"], patient["id"], CODE.format(0)]
            statements.append((_INSERT, values, patient["organization"]))
            facts.append((row, 0))
        return statements, facts

    def _change(self) -> tuple[list[tuple], list[Fact]]:
        # Taken out until it is acknowledged: after an error nobody knows its version.
        place = self.dice.randrange(len(self._rows))
        organization, row, version = self._rows.pop(place)
        values = [CODE.format(version + 1), row]
        return [(_UPDATE, values, organization)], [(row, version + 1)]


@dataclass
class Registrar:
    """Takes somebody's place on a care team away and gives it back, again and again.

    `turns` are the changes that were made, in order: when each was asked for, when it was known to
    be committed, and whether the place holds since.
    """

    url: str
    place: dict[str, str]
    dice: Random
    pause: float
    turns: list[tuple[float, float, bool]] = field(default_factory=list)

    async def run(self, end: asyncio.Event) -> None:
        line = Line(self.url)
        holds = True
        while not end.is_set() or not holds:
            if not end.is_set():
                await asyncio.sleep(self.dice.uniform(0.5, 2) * self.pause)
            holds = not holds
            asked = time.monotonic()
            while await self._stands(line) != holds:
                try:
                    connection = await line.begin(self.place["organization"])
                    await connection.execute(_PLACE, [holds, self.place["id"]])
                    await connection.commit()
                except psycopg.Error:
                    # Whether it was done is asked before it is tried again.
                    await line.close()
            self.turns.append((asked, time.monotonic(), holds))
        await line.close()

    async def _stands(self, line: Line) -> bool:
        while True:
            connection = await line.begin(self.place["organization"])
            try:
                cursor = await connection.execute(
                    "SELECT ends_at IS NULL FROM care_team_memberships WHERE id = %s",
                    [self.place["id"]],
                )
                row = await cursor.fetchone()
                await connection.rollback()
            except psycopg.Error:
                await line.close()
            else:
                assert row is not None
                return bool(row[0])
