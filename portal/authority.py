"""What the engine asks the portal: who is this, what may they read, is it still so.

The engine (`realtime`) knows no clinic; it calls this object through
`settings.REALTIME_AUTHORITY`. Every answer is read from the database at the moment of the question
and fails closed. None of the questions counts as activity of the session.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.db.models.functions import Now
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from portal import audit, tenancy
from portal.access import reader_in, readers_in, topics, topics_of
from portal.middleware.sessions import IDLE_KEY, ends_at
from portal.models import AuditEntry, Session, User
from portal.sessions import ORGANIZATION_KEY, SessionStore, digest_of
from realtime.authority import Grants, Identity, Join


class PortalAuthority:
    """Answers from sessions, memberships, care teams and mandates."""

    def identify(self, scope: Mapping[str, Any]) -> Identity | None:
        """Who the cookies of a handshake or poll belong to; None when nobody is signed in."""
        return self.identify_all([scope])[0]

    def identify_all(self, scopes: Sequence[Mapping[str, Any]]) -> list[Identity | None]:
        """Who the cookies of each belong to; as many questions as for one."""
        keys = [_session_key(scope) for scope in scopes]
        digests = [None if key is None else digest_of(key) for key in keys]
        rows = Session.objects.filter(pk__in={each for each in digests if each is not None})
        sessions: dict[str | None, Any] = {
            row.digest: row
            for row in rows.values_list(
                "digest", "user_id", "organization_id", "created_at", named=True
            )
        }
        found = [
            _identity(sessions[digest], scope) if digest in sessions else None
            for digest, scope in zip(digests, scopes, strict=True)
        ]
        alive = self.still_valid({identity for identity in found if identity is not None})
        return [
            replace(identity, idle_at=alive[identity]) if identity and identity in alive else None
            for identity in found
        ]

    def grants(self, identity: Identity) -> Grants | None:
        """The topics the identity may read now; None when its session or membership has ended."""
        if not self.still_valid({identity}):
            return None
        with self.reading(identity):
            reader = reader_in(identity.organization_id, identity.user_id)
            return topics(reader) if reader else None

    def grants_of(self, identities: Sequence[Identity]) -> list[Grants | None]:
        """The topics that each may read now; as many questions as for one in each organization."""
        if len(identities) == 1:
            # Read under the reader's own rights, a second wall that the many cannot have.
            return [self.grants(identities[0])]
        alive = self.still_valid(set(identities))
        users: dict[str, set[str]] = {}
        for identity in alive:
            users.setdefault(identity.organization_id, set()).add(identity.user_id)
        granted: dict[tuple[str, str], Grants] = {}
        for organization_id, user_ids in users.items():
            with tenancy.acting_for(organization_id, system=True):
                for reader, grants in topics_of(readers_in(organization_id, user_ids)).items():
                    granted[organization_id, str(reader.user_id)] = grants
        return [
            granted.get((identity.organization_id, identity.user_id)) if identity in alive else None
            for identity in identities
        ]

    def reading(self, identity: Identity) -> AbstractContextManager[None]:
        """A transaction under this reader's row-level security."""
        return tenancy.acting_for(identity.organization_id, identity.user_id)

    def still_valid(self, identities: AbstractSet[Identity]) -> Mapping[Identity, datetime]:
        """Those whose session, user and membership are alive, and until when if nobody touches it.

        One query for each organization.
        """
        asked: dict[str, set[str]] = {}
        for identity in identities:
            asked.setdefault(identity.organization_id, set()).add(identity.session)
        ends = {
            (session.digest, str(session.user_id), organization_id): end
            for organization_id, names in asked.items()
            for session, end in _alive(organization_id, names)
        }
        return {
            identity: end
            for identity in identities
            if (end := ends.get((identity.session, identity.user_id, identity.organization_id)))
        }

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        """One audit entry per join: which tables a page listens to, never what it heard."""
        with self.reading(identity):
            audit.record(
                "realtime.subscribe",
                organization_id=UUID(identity.organization_id),
                actor_id=UUID(identity.user_id),
                tables=_tables(bindings),
            )

    def joined_all(self, joins: Sequence[Join]) -> None:
        """One audit entry for each of these joins; one statement in each organization."""
        if len(joins) == 1:
            self.joined(*joins[0])
            return
        entries: dict[str, list[AuditEntry]] = {}
        for identity, bindings in joins:
            entries.setdefault(identity.organization_id, []).append(
                AuditEntry(
                    organization_id=UUID(identity.organization_id),
                    actor_id=UUID(identity.user_id),
                    action="realtime.subscribe",
                    detail={"tables": _tables(bindings)},
                )
            )
        for organization_id, of_it in entries.items():
            with tenancy.acting_for(organization_id, system=True):
                AuditEntry.objects.bulk_create(of_it)


authority = PortalAuthority()


def _identity(session: Any, scope: Mapping[str, Any]) -> Identity | None:
    if session.user_id is None or session.organization_id is None:
        return None
    query = parse_qs(bytes(scope.get("query_string", b"")).decode("latin-1"))
    return Identity(
        user_id=str(session.user_id),
        organization_id=str(session.organization_id),
        session=session.digest,
        expires_at=session.created_at + timedelta(seconds=settings.SESSION_COOKIE_AGE),
        page=query.get("page", [None])[0],
    )


def _tables(bindings: Sequence[Mapping[str, str]]) -> list[str]:
    return sorted({binding["table"] for binding in bindings})


def _session_key(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope.get("headers", ()):
        # As for every page. The standard library gives up at the first cookie that it dislikes, and
        # anybody on the clinic's domain may set such a one.
        cookies = parse_cookie(value.decode("latin-1")) if name == b"cookie" else {}
        if key := cookies.get(settings.SESSION_COOKIE_NAME):
            return key
    return None


class _Standing(NamedTuple):
    """What tells whether a session stands: columns and no models, for there may be thousands."""

    digest: str
    user_id: UUID
    created_at: datetime
    last_active_at: datetime
    session_data: str
    password: str
    read_at: datetime


def _alive(organization_id: str, names: set[str]) -> list[tuple[_Standing, datetime]]:
    """The sessions of these names that stand in an organization, each with its end."""
    with tenancy.acting_for(organization_id, system=True):
        rows = Session.objects.filter(
            pk__in=names,
            organization_id=organization_id,
            user__is_active=True,
            user__memberships__organization_id=organization_id,
            user__memberships__ended_at=None,
        ).values_list(
            "digest",
            "user_id",
            "created_at",
            "last_active_at",
            "session_data",
            "user__password",
            Now(),
        )
        sessions = [_Standing(*row) for row in rows]
    ends = [(session, _end_of(session, organization_id)) for session in sessions]
    return [(session, end) for session, end in ends if end is not None and end > session.read_at]


def _end_of(session: _Standing, organization_id: str) -> datetime | None:
    """When a session ends if nobody touches it; None when it does not stand for its user."""
    opened = _opened_for(session.session_data, session.password)
    if opened is None or opened[:2] != (str(session.user_id), organization_id):
        return None
    return ends_at(session, opened[2])


# Nothing but its arguments and the secret key decide; each session is asked about by every page
# that opens, and all of them twice a minute.
@lru_cache(maxsize=20_000)
def _opened_for(session_data: str, password: str) -> tuple[str, str, int | None] | None:
    """The user and organization a session was opened for, and its idle limit in seconds.

    None when the password it was opened with is not the user's any more.
    """
    data = SessionStore().decode(session_data)
    user, opened_with = User(password=password), data.get(HASH_SESSION_KEY, "")
    # Under an exchanged SECRET_KEY too: a page takes the new one up with its next request.
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    if not any(constant_time_compare(opened_with, each) for each in hashes):
        return None
    return data.get(SESSION_KEY, ""), data.get(ORGANIZATION_KEY, ""), data.get(IDLE_KEY)
