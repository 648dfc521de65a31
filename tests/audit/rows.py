"""Entries and seals as they stand, and what does not verify."""

from django.db import connections

from portal.management import verification


def entries():
    """All ids, in the order in which they were made."""
    return [entry for (entry,) in as_owner("SELECT id FROM audit_logs ORDER BY id")]


def seals():
    return as_owner("SELECT number, entry_id, digest FROM audit_seals ORDER BY number")


def as_owner(sql, *values):
    """Rows of all organizations, past the policies of the application."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def deviations():
    """What does not verify: kind and entry of each."""
    return [(deviation.kind, deviation.entry) for deviation in verification.whole()]
