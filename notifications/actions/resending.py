"""Sending again what did not go out, because an administrator asks for it."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from notifications import jobs
from notifications.models import Delivery
from portal import access, audit
from portal.access import Reader

Status = Delivery.Status


@transaction.atomic
def resend(delivery_ids: Collection[UUID], *, by: Reader) -> int:
    """Queue anew those that failed or were not sent; return how many. The rest stays as it is.

    What is waiting or went out is not doubled, and what nobody wants any more (read, answered, the
    right to see the patient ended) stays cancelled. Whether to send is decided anew, as ever.
    """
    rows = access.of_organization(Delivery.objects.filter(pk__in=delivery_ids), by)
    again = list(
        rows.filter(status__in=[Status.FAILED, Status.SUPPRESSED], cancelled_at=None)
        .order_by("pk")
        .select_for_update(of=["self"])
    )
    # Each try counts from the start: an hour of them, or six.
    Delivery.objects.filter(pk__in=[row.pk for row in again]).update(
        status=Status.PENDING, reason="", error="", attempts=0, next_at=Now()
    )
    for channel in sorted({row.channel for row in again}):
        jobs.deliver.configure(queue=channel).defer(
            organization_id=str(by.organization_id), channel=channel
        )
    for row in again:
        audit.record(
            "notification_delivery.resent",
            organization_id=by.organization_id,
            actor_id=by.user_id,
            subject=row,
        )
    return len(again)
