"""The delivery log: how each notification went out, or why it did not, and sending it again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.actions.resending import resend
from notifications.models import Delivery
from portal.access import Reader
from portal.admin.base import ReadOnlyAdmin
from portal.doors import reader_of

# What `Delivery.reason` holds, in words.
_REASONS = {
    "answered": "somebody answered it",
    "capped": "enough for this hour",
    "channel_off": "the clinic has not set this way up",
    "digest": "collected for the daily e-mail",
    "no_access": "may not see the patient any more",
    "no_address": "has no address for this way",
    "no_member": "is no member any more",
    "not_wanted": "does not want it this way",
    "quiet": "quiet hours",
    "read": "read in Vigil",
}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """One row for each notification and channel. What it was about stands nowhere here."""

    list_display = ["created_at", "user", "channel", "status", "why", "attempts", "next_try"]
    list_filter = ["status", "channel", "is_important", "created_at"]
    search_fields = ["user__name", "user__email", "=message_id", "=provider_id"]
    search_help_text = "A person's name or e-mail, or what the provider calls the message"
    date_hierarchy = "created_at"
    fields = [
        "created_at",
        "user",
        "channel",
        "is_important",
        "status",
        "why",
        "attempts",
        "next_try",
        "sent_at",
        "delivered_at",
        "cancelled_at",
        "message_id",
        "provider_id",
    ]
    readonly_fields = ["user", "why", "next_try"]
    actions = ["send_again"]

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        return super().narrowed(rows, reader).select_related("user")

    @admin.display(description="Why")
    def why(self, delivery: Delivery) -> str:
        words = (_REASONS.get(delivery.reason, delivery.reason), delivery.error)
        return ", ".join(word for word in words if word)

    @admin.display(description="Next try", ordering="next_at")
    def next_try(self, delivery: Delivery) -> Any:
        return delivery.next_at if delivery.status == Delivery.Status.PENDING else None

    @admin.action(description="Send again what failed or was not sent")
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        chosen = list(deliveries.values_list("pk", flat=True))
        again = resend(chosen, by=reader_of(request))
        self.message_user(
            request,
            f"{again} of {len(chosen)} will be sent again, if still wanted.",
            messages.SUCCESS if again else messages.WARNING,
        )
