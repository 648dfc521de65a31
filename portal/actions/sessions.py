"""Ending sessions. The row goes, and with it, in the same transaction, every socket on it."""

from uuid import UUID

from django.db import transaction

from portal import audit
from portal.access import Reader
from portal.models import Session


@transaction.atomic
def end_session(digest: str, *, by: Reader) -> bool:
    """End one of the reader's own sessions; False when there is none of that name (any more)."""
    for session in Session.objects.filter(user_id=by.user_id):
        if session.digest == digest:
            session.delete()
            audit.record(
                "session.ended_elsewhere",
                organization_id=by.organization_id,
                actor_id=by.user_id,
                sessions=1,
            )
            return True
    return False


@transaction.atomic
def end_other_sessions(*, by: Reader, keeping: str) -> int:
    """End every session of the reader but the one named `keeping`; returns how many."""
    others = Session.objects.filter(user_id=by.user_id).exclude(pk=keeping)
    ended, _ = others.delete()
    if ended:
        audit.record(
            "session.ended_elsewhere",
            organization_id=by.organization_id,
            actor_id=by.user_id,
            sessions=ended,
        )
    return ended


def end_all_sessions(user_id: UUID, *, organization_id: UUID | None = None) -> int:
    """End every session of a user, or those in one organization; the caller records why."""
    sessions = Session.objects.filter(user_id=user_id)
    if organization_id is not None:
        sessions = sessions.filter(organization_id=organization_id)
    ended, _ = sessions.delete()
    return ended
