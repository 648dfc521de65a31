"""What a line of notifications says and where it leads, for whom. Nothing clinical."""

from django.urls import reverse

from notifications.models import Kind, Notification
from portal.access import Reader

ICONS = {
    Kind.MESSAGE: "chat-bubble-left-ellipsis",
    Kind.CARE_TEAM: "user-group",
    Kind.VISIT: "calendar-days",
    Kind.REMINDER: "calendar-days",
    Kind.OFFER: "calendar-days",
    Kind.INVITATION: "user-plus",
    Kind.ALERT: "bell-alert",
    Kind.ALARM: "exclamation-triangle",
}

ABOUT_YOU = {
    Kind.MESSAGE: "You have a new message",
    Kind.CARE_TEAM: "Your care team changed",
    Kind.VISIT: "You have a new or changed visit",
    Kind.REMINDER: "You have a visit soon",
    Kind.OFFER: "There is news from the waiting list",
    Kind.INVITATION: "You can sign in now",
    Kind.ALERT: "An alert needs you",
    Kind.ALARM: "Vigil itself needs you",
}

ABOUT_SOMEONE = {
    Kind.MESSAGE: "New message about {patient}",
    Kind.CARE_TEAM: "The care team of {patient} changed",
    Kind.VISIT: "{patient} has a new or changed visit",
    Kind.REMINDER: "{patient} has a visit soon",
    Kind.OFFER: "There is news from the waiting list for {patient}",
    Kind.INVITATION: "{patient} can sign in now",
    Kind.ALERT: "An alert needs you",
    Kind.ALARM: "Vigil itself needs you",
}

# Several messages of one conversation are one line.
MESSAGES_TO_YOU = "You have {number} new messages"
MESSAGES_ABOUT_SOMEONE = "{number} new messages about {patient}"


def words(notification: Notification, number: int, reader: Reader) -> str:
    """What a line says that stands for `number` notifications like this one."""
    kind = Kind(notification.kind)
    patient = notification.patient
    about_you = patient is not None and patient.user_id == reader.user_id
    name = patient.name if patient else ""
    if kind is Kind.MESSAGE and number > 1:
        several = MESSAGES_TO_YOU if about_you else MESSAGES_ABOUT_SOMEONE
        return several.format(number=number, patient=name)
    return (ABOUT_YOU if about_you else ABOUT_SOMEONE)[kind].format(patient=name)


def href(notification: Notification, reader: Reader) -> str:
    """The address of what was told."""
    if notification.kind == Kind.MESSAGE:
        return reverse("messaging:thread", args=[notification.subject_id])
    if notification.kind == Kind.ALARM:
        return reverse("operations:page")
    if reader.is_clinical and notification.patient_id:
        return reverse("portal:chart", args=[notification.patient_id])
    if notification.kind in (Kind.VISIT, Kind.REMINDER, Kind.OFFER):
        return reverse("appointments:index")
    return reverse("portal:start")
