"""The chain in other databases: one restored from a dump, and one from before there was a chain."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from portal.embedded.postgres import drop_database_on, provision_on
from portal.management.verification import Kind
from tests.copies import copy_database
from tests.realtime.test_migrations import migrate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def other(database_urls):
    """An empty database beside this one."""
    name = f"{database_urls.name}_other"
    yield provision_on(database_urls.superuser, name)
    drop_database_on(database_urls.superuser, name)


def verified(urls, *options):
    """What the command says in another database, and its status."""
    found = subprocess.run(
        [sys.executable, "manage.py", "verify_audit", *options],
        cwd=ROOT,
        env=os.environ | urls.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout + found.stderr, found.returncode


def write(urls, number):
    """So many entries, as the superuser, of an organization that is made for them."""
    with psycopg.connect(urls.superuser, autocommit=True) as line:
        clinic = uuid.uuid4()
        line.execute(
            "INSERT INTO organizations"
            " (id, name, slug, time_zone, locale, phone, emergency_phone, created_at)"
            " VALUES (%s, 'Bay Clinic', 'bay', 'UTC', 'en', '', '112', now())",
            [clinic],
        )
        line.execute(
            "INSERT INTO audit_logs (id, organization_id, at, action, subject_type, detail)"
            " SELECT gen_random_uuid(), %s, now() - interval '1 year', 'test.written', '', '{}'"
            " FROM generate_series(1, %s)",
            [clinic, number],
        )


def seal(urls):
    with psycopg.connect(urls.application, autocommit=True) as line:
        (number,) = line.execute("SELECT portal_seal_audit(1000)").fetchone()
    return number


def test_what_was_restored_from_a_dump_verifies_and_goes_on(
    sealed, written, database_urls, other, tmp_path, settings
):
    from portal import audit_anchors

    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    sealed(3)
    audit_anchors._said = 0
    audit_anchors.say_head()
    written(2)
    copy_database(database_urls.superuser, other.superuser)

    said, status = verified(other, "--anchors", settings.AUDIT_ANCHOR_FILE)
    assert "3 seals" in said
    assert "Held against 1 anchors" in said
    assert status == 0, said

    # What waited goes on waiting there.
    write(other, 1)
    assert seal(other) == 3
    said, status = verified(other, "--anchors", settings.AUDIT_ANCHOR_FILE)
    assert "6 seals" in said
    assert status == 0, said

    with psycopg.connect(other.superuser) as line:
        line.execute("SET session_replication_role = replica")
        line.execute("UPDATE audit_logs SET action = 'test.forged'")
    said, status = verified(other)
    assert Kind.CHANGED in said
    assert status == 1


def test_the_chain_goes_with_its_migrations_and_the_upgrade_seals_what_was_written_before(
    migrated, other
):
    copy_database(migrated, other.superuser)
    migrate(other, "portal", "0015")
    with psycopg.connect(other.superuser) as line:
        left = line.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'audit\\_%seal%'"
            " UNION ALL SELECT proname FROM pg_proc WHERE proname ~ 'seal_audit|await_seal|netstr'"
            " UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audit_awaits%'"
            " UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE '%never_emptied%'"
        ).fetchall()
    assert left == []
    write(other, 40)
    migrate(other, "portal")

    said, status = verified(other)
    assert "Nothing is sealed yet" in said
    assert status == 0, said
    assert seal(other) == 40
    said, status = verified(other)
    assert "40 seals" in said
    assert status == 0, said
