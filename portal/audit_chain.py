"""The hash chain of the audit log: sealing, and the digest of a seal said a second time.

The database seals (`portal/sql/portal_seal_audit.v1.sql`). That it did is checked here, from the
rows alone and with a SHA-256 of our own: whoever can change rows can change functions as well.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from portal import tenancy
from portal.models import AuditSeal

# In one transaction, of half a second or so, which holds up nobody: it locks no row of a writer.
BATCH = 2_000

# What of an entry is sealed, by form and in this order, each as text whatever the session's
# settings are. A column that is added later belongs to the next form, and the old ones stay.
FORMS: dict[int, tuple[str, ...]] = {
    1: (
        "id::text",
        "organization_id::text",
        "extract(epoch FROM at)::text",
        "actor_id::text",
        "action",
        "subject_type",
        "subject_id::text",
        "patient_id::text",
        "detail::text",
    ),
}


@dataclass(frozen=True)
class Head:
    """The newest seal: it vouches for all before it."""

    number: int
    digest: bytes
    sealed_at: datetime


def seal_batch() -> int:
    """Seal what has waited longest; return how many entries that were.

    0 when nothing waits, and when another sealer is at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT portal_seal_audit(%s)", [BATCH])
        return int(cursor.fetchone()[0])


def head() -> Head | None:
    """The newest seal, None before the first."""
    with tenancy.acting_for(None, system=True):
        newest = AuditSeal.objects.order_by("-number").first()
    if newest is None:
        return None
    return Head(newest.number, bytes(newest.digest), newest.sealed_at)


def digest_of(
    before: bytes, form: int, number: int, sealed_at: str, entry: Sequence[str | None]
) -> bytes:
    """The digest that a seal must have: `before` is the one before it, b"" for the first.

    `sealed_at` and what the entry says are texts, as FORMS asks for them.
    """
    parts = [str(form), str(number), sealed_at, *entry]
    return hashlib.sha256(before + b"".join(map(_netstring, parts))).digest()


def _netstring(part: str | None) -> bytes:
    if part is None:
        return b"~"
    text = part.encode()
    return b"%d:%b," % (len(text), text)
