"""What a notification says and where it leads. The words follow from its kind: nothing clinical."""

from dataclasses import dataclass

from django.urls import reverse

from notifications.models import Kind, Notification
from portal.access import Reader


@dataclass(frozen=True)
class Told:
    """A notification as a person reads it."""

    notification: Notification
    title: str
    icon: str
    href: str


ICONS = {
    Kind.MESSAGE: "chat-bubble-left-right",
    Kind.CARE_TEAM: "user-group",
    Kind.VISIT: "calendar-days",
    Kind.INVITATION: "user-plus",
}

TO_STAFF = {
    Kind.MESSAGE: "New message about {patient}",
    Kind.CARE_TEAM: "The care team of {patient} changed",
    Kind.VISIT: "A visit of {patient} was booked or changed",
    Kind.INVITATION: "{patient} can sign in now",
}

TO_PATIENTS = {
    Kind.MESSAGE: "Your care team wrote to you",
    Kind.CARE_TEAM: "Your care team changed",
    Kind.VISIT: "You have a new or changed visit",
    Kind.INVITATION: "You can sign in now",
}

TO_CAREGIVERS = {
    Kind.MESSAGE: "New message about {patient}",
    Kind.CARE_TEAM: "The care team of {patient} changed",
    Kind.VISIT: "{patient} has a new or changed visit",
    Kind.INVITATION: "{patient} can sign in now",
}


def told(notification: Notification, reader: Reader) -> Told:
    """Return a notification in words, for this reader."""
    kind = Kind(notification.kind)
    patient = notification.patient
    # A right may have ended since: then the name is no longer the reader's to know.
    name = patient.name if patient else "a patient"
    if reader.is_staff:
        words = TO_STAFF
    elif patient is not None and patient.user_id == reader.user_id:
        words = TO_PATIENTS
    else:
        words = TO_CAREGIVERS
    return Told(notification, words[kind].format(patient=name), ICONS[kind], _href(notification))


def _href(notification: Notification) -> str:
    if notification.kind == Kind.MESSAGE and notification.subject_id:
        return reverse("messaging:thread", args=[notification.subject_id])
    if notification.kind == Kind.VISIT:
        return reverse("appointments:index")
    if notification.patient_id and notification.kind == Kind.INVITATION:
        return reverse("portal:chart", args=[notification.patient_id])
    return reverse("notifications:index")
