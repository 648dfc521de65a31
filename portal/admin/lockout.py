"""Sign-ins that were refused too often, and letting somebody try again before the time is over."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from portal import audit
from portal.access import Reader, narrow, of_organization
from portal.actions.memberships import belongs_elsewhere
from portal.admin.base import ReadOnlyAdmin
from portal.doors import reader_of
from portal.models import Membership


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Wrong passwords typed for addresses of this organization's members, and for no others'.

    Nor for those who work elsewhere too: whoever runs one clinic could let themselves try the
    password of another one's without end, by giving its owner a place here. Their lock ends by
    itself (`AXES_COOLOFF_TIME`).
    """

    list_display = ["username", "ip_address", "attempt_time", "failures_since_start"]
    search_fields = ["username"]
    fields = ["username", "ip_address", "attempt_time", "failures_since_start", "user_agent"]
    actions = ["let_try_again"]

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        members = of_organization(Membership.objects.filter(ended_at=None), reader)
        tried = members.filter(user__email__in=rows.values("username"))
        ours = [
            email
            for user_id, email in tried.values_list("user_id", "user__email")
            if not belongs_elsewhere(user_id, by=reader)
        ]
        return narrow(rows, username__in=ours)

    @admin.action(description="Let them try again now")
    def let_try_again(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        reader = reader_of(request)
        unlocked, _ = attempts.delete()
        audit.record(
            "user.unlocked",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            attempts=unlocked,
        )
        self.message_user(request, "They can try again.", messages.SUCCESS)
