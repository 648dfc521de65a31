"""Statements straight through libpq: rows, errors, bells, and connections that end."""

import asyncio

import psycopg
import pytest

from realtime.engine_connection import connect
from realtime.wire import Wire
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("django_db_setup")]


@pytest.fixture
async def connection():
    connection = await connect("test")
    yield connection
    await connection.close()


async def test_rows_come_with_their_names_and_types(connection):
    wire = Wire(connection)
    for number in (1, 2):
        rows = await wire.ask(
            "SELECT n AS number, ARRAY['a b', 'c,\"d'] AS words, NULL::text AS nothing, $2 AS yes"
            " FROM generate_series(1, $1::int) AS n",
            number,
            True,
        )
        assert [row["number"] for row in rows] == list(range(1, number + 1))
        assert rows[-1] == {
            "number": number,
            "words": ["a b", 'c,"d'],
            "nothing": None,
            "yes": "True",
        }


async def test_more_than_a_socket_holds_arrives_whole(connection):
    (row,) = await Wire(connection).ask("SELECT repeat('x', $1) AS text", 20_000_000)
    assert len(row["text"]) == 20_000_000


async def test_an_error_keeps_its_code_and_the_wire_goes_on(connection):
    wire = Wire(connection)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await wire.ask("SELECT 1 / $1 AS never", 0)
    with pytest.raises(psycopg.errors.UndefinedTable):
        await wire.ask("SELECT FROM nowhere")
    assert await wire.ask("SELECT 1 / $1 AS one", 1) == [{"one": 1}]


async def test_a_bell_is_heard_whenever_it_rings(connection):
    await connection.execute("LISTEN test_wire")
    wire = Wire(connection)
    assert not await wire.rang(0.01)
    # While a statement runs ...
    await wire.ask("SELECT pg_notify('test_wire', '') AS done")
    assert await wire.rang(0)
    assert not await wire.rang(0)
    # ... and while it is waited for.
    waiting = asyncio.create_task(wire.rang(PATIENCE_SECONDS))
    ringer = await connect("ringer")
    await ringer.execute("NOTIFY test_wire")
    await ringer.close()
    assert await waiting


@pytest.mark.parametrize("doing", ["asking", "waiting"])
async def test_a_connection_that_is_ended_says_so(connection, doing, superuser):
    wire = Wire(connection)
    (row,) = await wire.ask("SELECT pg_backend_pid() AS pid")
    work = wire.ask("SELECT pg_sleep($1) AS slept", 60) if doing == "asking" else wire.rang(60)
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    superuser.execute("SELECT pg_terminate_backend(%s)", [row["pid"]])
    with pytest.raises(psycopg.OperationalError):
        await task


async def test_who_is_cancelled_leaves_a_connection_that_can_be_closed(connection):
    wire = Wire(connection)
    task = asyncio.create_task(wire.ask("SELECT pg_sleep($1) AS slept", 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await connection.close()
    assert connection.closed
