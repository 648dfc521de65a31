"""The engine's tables come and go by migration, and leave nothing behind."""

import os
import subprocess
import sys

import psycopg
import pytest

from portal.embedded.postgres import drop_database_on, provision_on
from tests.realtime.conftest import ROOT


@pytest.fixture
def empty(database_urls):
    """A database without any table."""
    name = f"{database_urls.name}_empty"
    yield provision_on(database_urls.superuser, name)
    drop_database_on(database_urls.superuser, name)


def migrate(urls, *arguments):
    subprocess.run(
        [sys.executable, "manage.py", "migrate", *arguments, "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env=os.environ | urls.environment(),
        check=True,
    )


def engines(urls):
    """Everything in the database that is the engine's, with its definition."""
    with psycopg.connect(urls.owner) as connection:
        relations = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'realtime%' ORDER BY relname"
        ).fetchall()
        functions = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace ORDER BY oid::regprocedure::text"
        ).fetchall()
        policies = connection.execute(
            "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies"
            " ORDER BY tablename, policyname"
        ).fetchall()
    return relations, functions, policies


def test_to_zero_and_back(empty):
    migrate(empty, "realtime")
    before = engines(empty)
    assert all(before)

    migrate(empty, "realtime", "zero")
    assert engines(empty) == ([], [], [])

    migrate(empty, "realtime")
    assert engines(empty) == before
