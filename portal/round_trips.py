"""The doctor at the door of a running site: a ticket with which one change may be heard, no more.

`manage.py doctor --roundtrip --site` comes over a real socket, as a page does, but no operator may
sign in as somebody. So it puts a round trip on record in the audit log of an organization: which
entries it is going to add there. Its ticket names that record, signed with SECRET_KEY. Both are
needed: who has the key alone, or may write to the database alone, is let in nowhere. Whoever shows
the ticket may hear those entries being added, by their ids, for a minute at most: no other row,
nothing of the past (row-level security knows no such user), no page and no poll.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.core import signing
from django.utils import timezone

from portal import audit, tenancy
from portal.authority import PortalAuthority
from portal.identifiers import uuid7
from portal.models import AuditEntry
from realtime.authority import Grants, Identity, Join
from realtime.errors import Refused
from realtime.process import PLACE

HEADER = "X-Vigil-Round-Trip"
LIFE = timedelta(seconds=60)
BEGUN, JOINED, ENDED = (f"doctor.round_trip_{how}" for how in ("begun", "joined", "ended"))

_SALT = "portal.round_trips"
# Where others have the name of their session, which is a digest.
_SESSION = "round trip"


@dataclass(frozen=True)
class RoundTrip:
    """One that is under way: the entries of the audit log that its ticket lets hear."""

    id: UUID
    organization_id: UUID
    changes: tuple[UUID, ...]

    @property
    def ticket(self) -> str:
        """What to send in HEADER; worthless after LIFE, and once the round trip has ended."""
        return signing.dumps([str(self.organization_id), str(self.id)], salt=_SALT)

    @property
    def binding(self) -> dict[str, str]:
        """The one binding that may be joined with the ticket."""
        return _binding([str(each) for each in self.changes])


def begin(organization_id: UUID, changes: int) -> RoundTrip:
    """Put on record that so many entries are going to be added, and that somebody listens."""
    trip = RoundTrip(uuid7(), organization_id, tuple(uuid7() for _ in range(changes)))
    with tenancy.acting_for(organization_id, system=True):
        AuditEntry.objects.create(
            pk=trip.id,
            organization_id=organization_id,
            action=BEGUN,
            detail={"changes": [str(each) for each in trip.changes]},
        )
    return trip


def end(trip: RoundTrip) -> dict[str, str]:
    """Make the ticket void. Returns in which process each socket was joined, by its number."""
    with tenancy.acting_for(trip.organization_id, system=True):
        _record(ENDED, trip.organization_id, trip.id)
        joined = AuditEntry.objects.filter(
            organization_id=trip.organization_id, action=JOINED, subject_id=trip.id
        )
        told = list(joined.values_list("detail", flat=True))
    return {detail["socket"]: detail["process"] for detail in told}


class AuthorityWithTickets(PortalAuthority):
    """Answers as the portal does, and knows the tickets besides."""

    def identify_all(self, scopes: Sequence[Mapping[str, Any]]) -> list[Identity | None]:
        """By the ticket where one is shown, else by the cookies."""
        found = super().identify_all(scopes)
        for number, scope in enumerate(scopes):
            if (ticket := _ticket(scope)) is not None:
                found[number] = self._of_ticket(ticket, scope)
        return found

    def still_valid(self, identities: AbstractSet[Identity]) -> Mapping[Identity, datetime]:
        """Of tickets those whose round trip is on record, has not ended and is not too old."""
        trips = {each for each in identities if _is_trip(each)}
        found = dict(super().still_valid(identities - trips))
        for identity in trips:
            if (begun := _under_way(identity)) is not None:
                found[identity] = begun.at + LIFE
        return found

    def grants(self, identity: Identity) -> Grants | None:
        """With a ticket that of the audit log, of which `joined` lets nothing else be heard."""
        if not _is_trip(identity):
            return super().grants(identity)
        until = self.still_valid({identity}).get(identity)
        return None if until is None else {f"admin:{identity.organization_id}": until}

    def grants_of(self, identities: Sequence[Identity]) -> list[Grants | None]:
        """As `grants`, of many."""
        found = super().grants_of(identities)
        for number, identity in enumerate(identities):
            if _is_trip(identity):
                found[number] = self.grants(identity)
        return found

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        """With a ticket: refuse all but its own changes; put on record which process answers."""
        if not _is_trip(identity):
            super().joined(identity, bindings)
            return
        begun = _under_way(identity)
        if begun is None or list(bindings) != [_binding(begun.detail["changes"])]:
            raise Refused("Unauthorized", "A round trip hears its own changes")
        with tenancy.acting_for(identity.organization_id, system=True):
            _record(
                JOINED, begun.organization_id, begun.pk, socket=identity.page or "", process=PLACE
            )

    def joined_all(self, joins: Sequence[Join]) -> None:
        """As `joined`, of many."""
        super().joined_all([join for join in joins if not _is_trip(join[0])])
        for identity, bindings in joins:
            if _is_trip(identity):
                self.joined(identity, bindings)

    def _of_ticket(self, ticket: str, scope: Mapping[str, Any]) -> Identity | None:
        try:
            organization_id, trip_id = signing.loads(ticket, salt=_SALT, max_age=LIFE)
        except (signing.BadSignature, ValueError):
            return None
        number = parse_qs(bytes(scope.get("query_string", b"")).decode("latin-1")).get("page", [""])
        identity = Identity(
            user_id=trip_id,
            organization_id=organization_id,
            session=f"{_SESSION} {trip_id}",
            page=number[0][:3],
        )
        begun = _under_way(identity)
        return None if begun is None else replace(identity, expires_at=begun.at + LIFE)


authority = AuthorityWithTickets()


def _is_trip(identity: Identity) -> bool:
    return identity.session.startswith(_SESSION)


def _ticket(scope: Mapping[str, Any]) -> str | None:
    name = HEADER.lower().encode()
    for each, value in scope.get("headers", ()):
        if each == name:
            return bytes(value).decode("latin-1")
    return None


def _under_way(identity: Identity) -> AuditEntry | None:
    """The record with which a round trip began, while it lasts."""
    with tenancy.acting_for(identity.organization_id, system=True):
        lately = AuditEntry.objects.filter(
            organization_id=identity.organization_id, at__gt=timezone.now() - LIFE
        )
        if lately.filter(action=ENDED, subject_id=identity.user_id).exists():
            return None
        return lately.filter(pk=identity.user_id, action=BEGUN).first()


def _binding(changes: Sequence[str]) -> dict[str, str]:
    return {
        "event": "INSERT",
        "schema": "public",
        "table": AuditEntry._meta.db_table,
        "filter": f"id=in.({','.join(changes)})",
    }


def _record(action: str, organization_id: UUID, trip_id: UUID, **detail: Any) -> None:
    audit.record(
        action,
        organization_id=organization_id,
        actor_id=None,
        subject=AuditEntry(pk=trip_id),
        **detail,
    )
