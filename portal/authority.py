"""What the engine asks the portal: who is this, what may they read, is it still so.

The engine (`realtime`) knows no clinic; it calls this object through
`settings.REALTIME_AUTHORITY`. Every answer is read from the database at the moment of the question
and fails closed. None of the questions counts as activity of the session.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from portal import audit, tenancy
from portal.access import Reader, reader_in, topics
from portal.middleware.sessions import IDLE_KEY, ends_at
from portal.models import Session, User
from portal.sessions import ORGANIZATION_KEY, SessionStore, digest_of
from realtime.authority import Grants, Identity


class PortalAuthority:
    """Answers from sessions, memberships, care teams and mandates."""

    def identify(self, scope: Mapping[str, Any]) -> Identity | None:
        """Who the cookies of a handshake or poll belong to; None when nobody is signed in."""
        key = _session_key(scope)
        if key is None:
            return None
        query = parse_qs(bytes(scope.get("query_string", b"")).decode("latin-1"))
        session = Session.objects.filter(pk=digest_of(key)).first()
        if session is None or not _is_alive(session):
            return None
        return Identity(
            user_id=str(session.user_id),
            organization_id=str(session.organization_id),
            session=session.digest,
            expires_at=session.created_at + _absolute_limit(),
            page=query.get("page", [None])[0],
        )

    def grants(self, identity: Identity) -> Grants | None:
        """The topics the identity may read now; None when its session or membership has ended."""
        if not self.still_valid({identity}):
            return None
        with self.reading(identity):
            reader = _reader(identity)
            return topics(reader) if reader else None

    def reading(self, identity: Identity) -> AbstractContextManager[None]:
        """A transaction under this reader's row-level security."""
        return tenancy.acting_for(identity.organization_id, identity.user_id)

    def still_valid(self, identities: AbstractSet[Identity]) -> AbstractSet[Identity]:
        """Those whose session, user and membership are alive; the sessions in one query."""
        if not identities:
            return set()
        users = {identity.user_id for identity in identities}
        alive = {
            (session.digest, str(session.user_id), str(session.organization_id))
            for session in Session.objects.filter(user_id__in=users)
            if _is_alive(session)
        }
        return {
            identity
            for identity in identities
            if (identity.session, identity.user_id, identity.organization_id) in alive
        }

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        """One audit entry per join: which tables a page listens to, never what it heard."""
        with self.reading(identity):
            audit.record(
                "realtime.subscribe",
                organization_id=UUID(identity.organization_id),
                actor_id=UUID(identity.user_id),
                tables=sorted({binding["table"] for binding in bindings}),
            )


authority = PortalAuthority()


def _session_key(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            cookie: SimpleCookie = SimpleCookie()
            cookie.load(value.decode("latin-1"))
            if morsel := cookie.get(settings.SESSION_COOKIE_NAME):
                return morsel.value
    return None


def _is_alive(session: Session) -> bool:
    """Whether a session still stands for its user, with the password it was opened with."""
    if session.user_id is None or session.organization_id is None:
        return False
    data = SessionStore().decode(session.session_data)
    if data.get(SESSION_KEY) != str(session.user_id):
        return False
    if data.get(ORGANIZATION_KEY) != str(session.organization_id):
        return False
    if ends_at(session, data.get(IDLE_KEY)) <= timezone.now():
        return False
    with tenancy.acting_for(session.organization_id, session.user_id):
        user = User.objects.filter(pk=session.user_id, is_active=True).first()
        return (
            user is not None
            and constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
            and reader_in(session.organization_id, user.pk) is not None
        )


def _absolute_limit() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def _reader(identity: Identity) -> Reader | None:
    return reader_in(identity.organization_id, identity.user_id)
