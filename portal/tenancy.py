"""The context under which the database answers: one organization, one reader.

Row-level security (`portal.rls`) reads five transaction-local settings. They are set here and
nowhere else, always inside a transaction, so that a pooled connection never carries one person's
context into the next person's request. No context means no rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connections, transaction

_SETTINGS = (
    "portal.organization",
    "portal.user",
    "portal.system",
    "portal.signing_in",
    "portal.service",
)


@contextmanager
def acting_for(
    organization_id: UUID | str | None,
    user_id: UUID | str | None = None,
    *,
    system: bool = False,
    using: str = "default",
) -> Iterator[None]:
    """Open a transaction that sees one organization, as one reader or as the system itself.

    `system` is for jobs and commands inside one organization, which act for nobody in particular;
    it shows every row of that organization. Contexts nest: PostgreSQL keeps a `SET LOCAL` when a
    savepoint is released, so the old values are put back by hand.
    """
    is_nested = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        # A transaction of its own begins without settings, and they end with it: two round trips
        # less for each question of the hub about somebody's rights.
        before = _read(using) if is_nested else ("",) * len(_SETTINGS)
        _write(
            using,
            (str(organization_id or ""), str(user_id or ""), "on" if system else "", before[3], ""),
        )
        yield
        # Not in a `finally`: after an exception the savepoint is rolled back, and with it the
        # settings; and an aborted transaction would refuse the statement.
        if is_nested:
            _write(using, before)


def bind(organization_id: UUID | str | None, user_id: UUID | str | None) -> None:
    """Set the reader of the transaction that is open now (the request's middleware)."""
    _write("default", (str(organization_id or ""), str(user_id or ""), "", "", ""))


def bind_service(organization_id: UUID, account_id: UUID) -> None:
    """Let the open transaction act as a service account: neither a user nor the system.

    Nothing is visible to it but what a policy names `portal_service()` for.
    """
    _write("default", (str(organization_id), "", "", "", str(account_id)))


@contextmanager
def acting_as_service(organization_id: UUID, account_id: UUID) -> Iterator[None]:
    """Open a transaction that acts as a service account (see `bind_service`). Contexts nest."""
    with transaction.atomic():
        before = _read("default")
        bind_service(organization_id, account_id)
        yield
        # Not in a `finally`: as above.
        _write("default", before)


def prove(identity: str) -> None:
    """Let this transaction see the one user who is signing in: an e-mail address or a user id.

    Before a sign-in is proven there is no reader; the users' policy shows the one row that is
    being proven and no other.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('portal.signing_in', %s, true)", [identity.lower()])


def _read(using: str) -> tuple[str, ...]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT "
            + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in _SETTINGS)
        )
        return tuple(cursor.fetchone())


def _write(using: str, values: tuple[str, ...]) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in _SETTINGS),
            list(values),
        )
