"""Choosing another password, knowing the old one or by a link that came by e-mail."""

from django.db import transaction

from portal import audit, tenancy
from portal.access import Reader
from portal.actions.sessions import end_all_sessions, end_other_sessions
from portal.models import Membership, User


@transaction.atomic
def change_password(password: str, *, by: Reader, session: str) -> User:
    """Give the reader another password and end their sessions but `session` (ASVS 7.4.3).

    The caller has proven the old password, and gives this browser's session its new key.
    """
    user = User.objects.select_for_update(of=["self"]).get(pk=by.user_id)
    user.set_password(password)
    user.save(update_fields=["password"])
    end_other_sessions(by=by, keeping=session)
    audit.record(
        "password.changed", organization_id=by.organization_id, actor_id=user.pk, subject=user
    )
    return user


@transaction.atomic
def reset_password(user: User, password: str) -> None:
    """Give a user who followed the link of an e-mail another password, and end every session.

    Nobody is signed in here: the transaction must have proven the user (`tenancy.prove`). What
    happened is recorded in each organization of theirs.
    """
    user.set_password(password)
    user.save(update_fields=["password"])
    ended = end_all_sessions(user.pk)
    for organization_id in (
        Membership.objects.active()
        .filter(user_id=user.pk)
        .values_list("organization_id", flat=True)
    ):
        with tenancy.acting_for(organization_id, user.pk):
            audit.record(
                "password.reset",
                organization_id=organization_id,
                actor_id=user.pk,
                subject=user,
                sessions=ended,
            )
