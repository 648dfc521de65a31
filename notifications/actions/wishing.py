"""How a person wishes to be told: kinds and channels, hours, browsers, a number for texts."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications import jobs
from notifications.channels.web_push import is_known_service
from notifications.errors import TooManyCodes, UnknownService
from notifications.models import Channel, Choice, Device, Kind, Phone, Wishes
from portal import access, audit
from portal.access import Reader

# A person has a phone, a tablet, a computer or two; more would be somebody filling a table.
MOST_DEVICES = 10


@transaction.atomic
def choose(
    chosen: Mapping[Kind, Collection[Channel]],
    *,
    offered: Collection[Channel],
    wishes: Mapping[str, Any],
    by: Reader,
) -> None:
    """Keep what a reader chose: for each kind the wanted ones of the `offered` channels.

    What was not offered (a channel that is off today) stays as it was. `wishes` are the fields of
    Wishes.
    """
    mine: dict[str, Any] = {"organization_id": by.organization_id, "user_id": by.user_id}
    for kind, channels in chosen.items():
        for channel in offered:
            Choice.objects.update_or_create(
                **mine, kind=kind, channel=channel, defaults={"is_wanted": channel in channels}
            )
    Wishes.objects.update_or_create(**mine, defaults=dict(wishes))
    _record("notification_wishes.changed", by)


@transaction.atomic
def add_device(*, endpoint: str, public_key: str, secret: str, browser: str, by: Reader) -> Device:
    """Keep a browser's subscription; the same browser again changes its keys.

    Raises UnknownService for an address that is no push service's.
    """
    if not is_known_service(endpoint):
        raise UnknownService
    mine = access.of_reader(Device.objects.all(), by)
    for surplus in mine.exclude(endpoint=endpoint).order_by("-created_at")[MOST_DEVICES - 1 :]:
        surplus.delete()
    device, _is_new = Device.objects.update_or_create(
        organization_id=by.organization_id,
        user_id=by.user_id,
        endpoint=endpoint,
        defaults={"public_key": public_key, "secret": secret, "browser": browser},
    )
    _record("notification_device.added", by)
    return device


@transaction.atomic
def remove_device(device_id: UUID, *, by: Reader) -> None:
    """Forget one of the reader's own browsers. Raises Device.DoesNotExist."""
    access.of_reader(Device.objects.all(), by).get(pk=device_id).delete()
    _record("notification_device.removed", by)


@transaction.atomic
def set_phone(number: str, *, by: Reader) -> Phone:
    """Keep a number, unconfirmed, and send it a code. Raises TooManyCodes."""
    phone = _own_phone(by) or Phone(organization_id=by.organization_id, user_id=by.user_id)
    today = timezone.now().date()
    made = phone.codes_made if phone.codes_on == today else 0
    if made >= Phone.MAX_CODES_A_DAY:
        raise TooManyCodes
    phone.number, phone.confirmed_at = number, None
    phone.code_digest, phone.code_made_at = "", None
    phone.codes_on, phone.codes_made = today, made + 1
    phone.save()
    jobs.send_code.defer(organization_id=str(by.organization_id), phone_id=str(phone.pk))
    _record("notification_phone.changed", by)
    return phone


@transaction.atomic
def confirm_phone(code: str, *, by: Reader) -> Phone:
    """Note that the reader has the phone to which the code was sent.

    A wrong code is counted and leaves the number unconfirmed: the caller looks at what comes back,
    because raising would undo the count. Raises Phone.DoesNotExist.
    """
    phone = _own_phone(by)
    if phone is None:
        raise Phone.DoesNotExist
    if not phone.is_code(code):
        phone.guesses += 1
        phone.save(update_fields=["guesses"])
        return phone
    phone.confirmed_at = timezone.now()
    phone.code_digest, phone.code_made_at = "", None
    phone.save(update_fields=["confirmed_at", "code_digest", "code_made_at"])
    _record("notification_phone.confirmed", by)
    return phone


@transaction.atomic
def remove_phone(*, by: Reader) -> None:
    """Stop text messages. The row stays without a number, and with its count of codes."""
    phone = _own_phone(by)
    if phone is None:
        return
    phone.number, phone.confirmed_at = "", None
    phone.code_digest, phone.code_made_at = "", None
    phone.save()
    _record("notification_phone.removed", by)


def _own_phone(by: Reader) -> Phone | None:
    return access.of_reader(Phone.objects.all(), by).select_for_update(of=["self"]).first()


def _record(action: str, by: Reader) -> None:
    audit.record(action, organization_id=by.organization_id, actor_id=by.user_id)
