"""What a person may choose from: the kinds that reach their role, the channels that are on."""

from notifications.models import Channel, Kind
from notifications.models.delivery import OUTWARD
from notifications.situation import is_on
from portal.access import Reader

_FAMILY = {
    Kind.MESSAGE: "New messages",
    Kind.VISIT: "New or changed visits",
    Kind.REMINDER: "A visit comes up",
    Kind.OFFER: "News from the waiting list",
    Kind.CARE_TEAM: "A change in the care team",
}
_CLINICAL = {
    Kind.ALERT: "Alerts",
    Kind.MESSAGE: "New messages",
    Kind.VISIT: "New or changed visits",
    Kind.CARE_TEAM: "A place on a care team",
    Kind.INVITATION: "A patient can sign in now",
}
_ADMIN = {
    Kind.ALARM: "Delivery, the audit log, the watch over alerts or a rota is not as it should be"
}

CHANNEL_WORDS = {Channel.WEB_PUSH: "Push", Channel.SMS: "Text", Channel.EMAIL: "E-mail"}


def kinds_for(reader: Reader) -> dict[Kind, str]:
    """The kinds that somebody in this role is told of, in their words."""
    if reader.is_admin:
        return _ADMIN
    return _CLINICAL if reader.is_clinical else _FAMILY


def channels_now() -> list[Channel]:
    """The ways out that the clinic has set up."""
    return [channel for channel in OUTWARD if is_on(channel)]
