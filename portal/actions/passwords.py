"""Choosing another password, knowing the old one or by a link."""

from django.db import transaction

from portal import audit, tenancy
from portal.access import Reader
from portal.actions.memberships import organizations_of
from portal.actions.sessions import end_all_sessions, end_other_sessions
from portal.models import User
from portal.password_links import password_link


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
    for organization_id in organizations_of(user.pk):
        with tenancy.acting_for(organization_id, user.pk):
            audit.record(
                "password.reset",
                organization_id=organization_id,
                actor_id=user.pk,
                subject=user,
                sessions=ended,
            )


@transaction.atomic
def hand_out_link(email: str, *, site: str) -> str | None:
    """A link to another password, for somebody to whom none can be sent, or None.

    For the operator's command alone: nobody has proven to be the user. None where nobody with this
    address may sign in. It goes on record in each organization of theirs.
    """
    tenancy.prove(email)
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    tenancy.prove("")
    if user is None:
        return None
    with tenancy.acting_for(None, user.pk):
        organizations = organizations_of(user.pk)
    audit.record_in_each(organizations, "password.link_handed_out", user)
    return password_link(user, site) if organizations else None
