"""What the worker does for the portal: e-mails about accounts, tidying up, sealing the audit log.

Arguments of jobs are identifiers and the portal's own address; never an e-mail address, a token or
anything clinical. Answers to people who are not signed in do the same work whether or not somebody
has the address they typed: what would take longer, or write more, for a real account is done here.
"""

import logging
from datetime import timedelta
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from portal import allowances, audit, audit_anchors, audit_chain, tenancy
from portal.actions.memberships import organizations_of
from portal.lanes import EMAIL
from portal.models import AuditEntry, Invitation, KeptText, Organization, User
from portal.password_links import password_link
from portal.sessions import SessionStore

logger = logging.getLogger(__name__)

# 3, 9, 27 … seconds: a mail server may be away for a night, an invitation lasts for days.
PATIENT_RETRY = RetryStrategy(max_attempts=10, exponential_wait=3)
# A job that was rolled back by a deadlock, say, has done nothing.
BRIEFLY = RetryStrategy(max_attempts=3, wait=5)
# A link to a new password is wanted now or not at all.
SHORT_RETRY = RetryStrategy(max_attempts=4, wait=20)
# A clinic's whole past waits to be sealed after an upgrade: forty thousand entries in one round of
# ten seconds, and the other jobs in between.
MOST_BATCHES = 20
# Who presses the button again gets no second e-mail meanwhile, and nobody's mailbox is flooded.
RESET_EVERY = timedelta(minutes=5)


@app.task(name="portal.send_invitation", queue=EMAIL, retry=PATIENT_RETRY)
def send_invitation(organization_id: str, invitation_id: str, site: str) -> None:
    """Make the link of an invitation and send it. An earlier link of the same one stops working."""
    with tenancy.acting_for(organization_id, system=True):
        invitation = Invitation.objects.select_for_update().filter(pk=invitation_id).first()
        if invitation is None or not invitation.is_open:
            return
        token = invitation.make_token()
        invitation.save(update_fields=["token_digest"])
    _send(
        "invitation",
        "Your invitation to Vigil",
        to=invitation.email,
        link=urljoin(site, reverse("portal:invitation", args=[token])),
        days=settings.INVITATION_LIFETIME.days,
    )
    with tenancy.acting_for(organization_id, system=True):
        Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())
        audit.record(
            "invitation.sent",
            organization_id=UUID(organization_id),
            actor_id=None,
            subject=invitation,
        )


@app.task(name="portal.send_password_reset", queue=EMAIL, retry=SHORT_RETRY)
def send_password_reset(user_id: str, site: str) -> None:
    """Send a link to choose another password; nothing for "" or who may not sign in."""
    if not user_id:
        return
    with tenancy.acting_for(None, user_id):
        user = User.objects.filter(pk=user_id, is_active=True).first()
        organizations = organizations_of(user_id)
    if user is None or not organizations or _was_sent_lately(user, organizations[0]):
        return
    _send(
        "password_reset",
        "Choose a new password",
        to=user.email,
        link=password_link(user, site),
        minutes=settings.PASSWORD_RESET_TIMEOUT // 60,
    )
    audit.record_in_each(organizations, "password.reset_sent", user)


@app.task(name="portal.send_welcome", queue=EMAIL, retry=PATIENT_RETRY)
def send_welcome(organization_id: str, user_id: str, site: str) -> None:
    """Tell somebody whom an administrator added how to come in."""
    with tenancy.acting_for(organization_id, system=True):
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None or UUID(organization_id) not in organizations_of(user_id):
            return
    is_new = not user.has_usable_password()
    _send(
        "welcome",
        "Your place at Vigil",
        to=user.email,
        link=password_link(user, site) if is_new else urljoin(site, reverse("portal:sign_in")),
        is_new=is_new,
        forgotten=urljoin(site, reverse("portal:password_reset")),
        minutes=settings.PASSWORD_RESET_TIMEOUT // 60,
    )


@app.task(name="portal.record_refused_sign_in", retry=BRIEFLY)
def record_refused_sign_in(user_id: str) -> None:
    """Note in each organization of a user that somebody did not get in as them."""
    if not user_id:
        return
    with tenancy.acting_for(None, user_id):
        organizations = organizations_of(user_id)
    # All or none: tried again, it writes nothing twice.
    with transaction.atomic():
        audit.record_in_each(organizations, "session.refused", User(pk=user_id))


@app.periodic(cron="17 * * * *")
@app.task(name="portal.forget_kept_texts", queueing_lock="portal.forget_kept_texts")
def forget_kept_texts(timestamp: int) -> None:
    """Forget half-written texts that nobody came back for."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        with tenancy.acting_for(organization_id, system=True):
            KeptText.objects.all().old().delete()


@app.periodic(cron="27 * * * *")
@app.task(name="portal.forget_allowances", queueing_lock="portal.forget_allowances")
def forget_allowances(timestamp: int) -> None:
    """Forget what strangers asked an hour ago."""
    allowances.forget_old()


@app.periodic(cron="37 * * * *")
@app.task(name="portal.forget_sessions", queueing_lock="portal.forget_sessions")
def forget_sessions(timestamp: int) -> None:
    """Forget the sessions that ended by the clock, and that nobody came back to."""
    # Idle limits are shorter (`portal.middleware.sessions` ends those); this is the absolute one.
    SessionStore.clear_expired()


@app.periodic(cron="* * * * * */10")
@app.task(name="portal.seal_audit", queueing_lock="portal.seal_audit")
def seal_audit(timestamp: int) -> None:
    """Every ten seconds: seal the entries of the audit log that wait for it."""
    for _ in range(MOST_BATCHES):
        if audit_chain.seal_batch() < audit_chain.BATCH:
            return


@app.periodic(cron="* * * * *")
@app.task(name="portal.anchor_audit", queueing_lock="portal.anchor_audit")
def anchor_audit(timestamp: int) -> None:
    """Each minute: say outside the database where the chain of the audit log stands."""
    try:
        audit_anchors.say_head()
    except OSError as error:
        # In the log the head stands all the same, and the next minute tries the file again.
        logger.error("AUDIT_ANCHOR_FILE could not be written (%s).", error.strerror)


def _was_sent_lately(user: User, organization_id: UUID) -> bool:
    with tenancy.acting_for(organization_id, system=True):
        return AuditEntry.objects.filter(
            action="password.reset_sent",
            subject_id=user.pk,
            at__gt=timezone.now() - RESET_EVERY,
        ).exists()


def _send(template: str, subject: str, *, to: str, **context: object) -> None:
    body = render_to_string(f"portal/mail/{template}.txt", context)
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
