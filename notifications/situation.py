"""Gathering what `routing.decide` asks about one person and one channel."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Min

from notifications.channels import email, sms, web_push
from notifications.models import Channel, Choice, Delivery, Device, Kind, Phone, Wishes
from notifications.models.wishes import CAP_WINDOW
from notifications.quiet_hours import next_at, quiet_until
from notifications.routing import Situation, default_channels
from portal import access
from portal.access import Reader
from portal.models import Organization, Patient, User

_SWITCHES = {Channel.EMAIL: email.is_on, Channel.SMS: sms.is_on, Channel.WEB_PUSH: web_push.is_on}


@dataclass(frozen=True)
class Address:
    """Where a person is reached: "" and nothing where they are not."""

    email: str
    number: str
    devices: Sequence[Device]


class Situations:
    """One person as they are now, in the transaction of a claim: asked once, used for many rows."""

    def __init__(
        self, organization_id: UUID, user_id: UUID, channel: Channel, now: datetime
    ) -> None:
        self._organization_id, self._user_id = organization_id, user_id
        self._channel, self._now = channel, now
        self._reader = access.reader_in(organization_id, user_id)
        self._user = User.objects.get(pk=user_id)
        self._wishes = wishes_of(organization_id, user_id)
        self._choices = choices_of(organization_id, user_id)
        self._seen: dict[UUID, bool] = {}
        self.address = self._address()

    def of(self, row: Delivery) -> Situation:
        """All that the decision about one row rests on."""
        told = row.notification
        kind = Kind(told.kind)
        wishes, zone, now = self._wishes, self._wishes.zone, self._now
        quiet = (
            quiet_until(now, wishes.quiet_from, wishes.quiet_until, zone)
            if wishes.quiet_from and wishes.quiet_until
            else None
        )
        return Situation(
            kind=kind,
            channel=self._channel,
            is_important=row.is_important,
            is_read=told.is_read,
            is_member=self._reader is not None and self._user.is_active,
            may_see=told.patient is None or self._may_see(told.patient),
            reachable=self._reachable(),
            wanted=wanted(kind, self._reader, self._choices),
            important_channel=(
                Channel(wishes.important_channel) if wishes.important_channel else None
            ),
            is_channel_on=is_on(self._channel),
            quiet_until=quiet,
            digest_at=next_at(now, wishes.digest_at, zone) if wishes.digest_at else None,
            is_collected=row.reason == "digest",
            capped_until=None if row.is_important else self._capped_until(),
        )

    def _address(self) -> Address:
        phone = Phone.objects.filter(
            organization_id=self._organization_id, user_id=self._user_id
        ).exclude(confirmed_at=None)
        devices = Device.objects.filter(
            organization_id=self._organization_id, user_id=self._user_id
        )
        number = phone.values_list("number", flat=True).first() or ""
        return Address(self._user.email, number, list(devices))

    def _reachable(self) -> Collection[Channel]:
        there = {
            Channel.EMAIL: bool(self.address.email),
            Channel.SMS: bool(self.address.number),
            Channel.WEB_PUSH: bool(self.address.devices),
        }
        return {channel for channel, is_there in there.items() if is_there and is_on(channel)}

    def _may_see(self, patient: Patient) -> bool:
        # The reader's own rights and not the system's: the query is narrowed by the reader.
        if patient.pk not in self._seen:
            self._seen[patient.pk] = (
                self._reader is not None
                and access.visible_patients(self._reader).filter(pk=patient.pk).exists()
            )
        return self._seen[patient.pk]

    def _capped_until(self) -> datetime | None:
        """When the hour ends in which this person has had as many messages as they wish."""
        sent = Delivery.objects.filter(
            organization_id=self._organization_id,
            user_id=self._user_id,
            channel=self._channel,
            is_important=False,
            sent_at__gt=self._now - CAP_WINDOW,
        )
        messages = sent.exclude(message_id=None).values("message_id").annotate(at=Min("sent_at"))
        newest = sorted((message["at"] for message in messages), reverse=True)
        cap = self._wishes.hourly_cap
        return newest[cap - 1] + CAP_WINDOW if len(newest) >= cap else None


def is_on(channel: Channel) -> bool:
    """Whether the clinic has set a channel up."""
    return _SWITCHES[channel]() if channel in _SWITCHES else True


def wishes_of(organization_id: UUID, user_id: UUID) -> Wishes:
    """A person's wishes; the defaults, not saved, when they set none."""
    found = (
        Wishes.objects.filter(organization_id=organization_id, user_id=user_id)
        .select_related("organization")
        .first()
    )
    organization = Organization.objects.get(pk=organization_id) if found is None else None
    return found or Wishes(organization=organization, user_id=user_id)


def choices_of(organization_id: UUID, user_id: UUID) -> dict[tuple[str, str], bool]:
    """What a person chose, by kind and channel."""
    chosen = Choice.objects.filter(organization_id=organization_id, user_id=user_id)
    return {(choice.kind, choice.channel): choice.is_wanted for choice in chosen}


def wanted(
    kind: Kind, reader: Reader | None, choices: dict[tuple[str, str], bool]
) -> Collection[Channel]:
    """The channels by which somebody wants to be told of one kind."""
    defaults = default_channels(kind, reader.role) if reader else set()
    return {channel for channel in Channel if choices.get((kind, channel), channel in defaults)}
