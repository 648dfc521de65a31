"""Finding visits: of one patient, by day and status, the earliest first, page after page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from appointments.api import asking, resources
from appointments.api.doors import Caller
from appointments.models import Appointment
from portal import audit
from portal.api.outcomes import Issue, Unusable

_WORDS = {word: status for status, word in resources.STATUSES.items()}
_SHOWN = ("provider", "visit_type")


@dataclass(frozen=True)
class Search:
    """What is looked for. `patient` or `record_number` is needed: nobody lists a clinic."""

    patient: str = ""
    record_number: str = ""
    status: str = ""
    dates: Sequence[str] = ()
    count: int = 50
    page: str = ""


def one(caller: Caller, visit_id: UUID) -> Appointment:
    """One visit that the caller may see; raises Unusable. The look is put on record."""
    visit = caller.visits().select_related(*_SHOWN).filter(pk=visit_id).first()
    if visit is None:
        raise Unusable(404, Issue("not-found", "There is no such appointment."))
    audit.record(
        "appointment.read",
        organization_id=caller.organization_id,
        actor_id=caller.actor_id,
        subject=visit,
    )
    return visit


def found(search: Search, caller: Caller, zone: ZoneInfo, path: str) -> dict[str, Any]:
    """A Bundle of the visits that a search finds; raises Unusable."""
    patient = asking.patient_of(caller, search.patient, search.record_number)
    conditions = Q(patient=patient)
    if search.status:
        if search.status not in _WORDS:
            wanted = f"must be one of {', '.join(_WORDS)}"
            raise Unusable(400, Issue("value", wanted, "status"))
        conditions &= Q(status=_WORDS[search.status])
    for text in search.dates:
        conditions &= _dated(text, zone)
    if search.page:
        at, visit_id = _place(search.page)
        conditions &= Q(starts_at__gt=at) | Q(starts_at=at, pk__gt=visit_id)
    rows = caller.visits().filter(conditions).select_related(*_SHOWN).order_by("starts_at", "pk")
    visits = list(rows[: search.count + 1])
    has_more, visits = len(visits) > search.count, visits[: search.count]
    audit.record(
        "appointments.searched",
        organization_id=caller.organization_id,
        actor_id=caller.actor_id,
        patient_id=patient.pk,
        found=len(visits),
    )
    shown = [resources.appointment(visit, zone) for visit in visits]
    return bundle(shown, path, _next(search, patient.pk, visits[-1], path) if has_more else "")


def bundle(shown: Sequence[dict[str, Any]], path: str, more: str = "") -> dict[str, Any]:
    """A searchset. `path` is where each of them lives; proposed ones live nowhere yet."""
    found: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": more}] if more else [],
        "entry": [
            {
                **({"fullUrl": f"{path}{each['id']}/"} if path and "id" in each else {}),
                "resource": each,
                "search": {"mode": "match"},
            }
            for each in shown
        ],
    }
    # FHIR has no empty lists.
    return {name: value for name, value in found.items() if value != []}


def _dated(text: str, zone: ZoneInfo) -> Q:
    """One condition on the clinic's day of a visit."""
    mark, on = asking.dated(text, zone, "date")
    begins = _midnight(on, zone)
    ends = _midnight(on + timedelta(days=1), zone)
    return {
        "eq": Q(starts_at__gte=begins, starts_at__lt=ends),
        "ge": Q(starts_at__gte=begins),
        "gt": Q(starts_at__gte=ends),
        "le": Q(starts_at__lt=ends),
        "lt": Q(starts_at__lt=begins),
    }[mark]


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time.min, zone)


def _next(search: Search, patient_id: UUID, last: Appointment, path: str) -> str:
    place = f"{last.starts_at.isoformat()} {last.pk}"
    query: list[tuple[str, str]] = [("patient", str(patient_id))]
    query += [("status", search.status)] if search.status else []
    query += [("date", each) for each in search.dates]
    query += [("_count", str(search.count))]
    query += [("page", base64.urlsafe_b64encode(place.encode()).decode())]
    return f"{path}?{urlencode(query)}"


def _place(page: str) -> tuple[datetime, UUID]:
    try:
        at, visit_id = base64.urlsafe_b64decode(page).decode().split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        # PostgreSQL knows no offset beyond some sixteen hours.
        return moment.astimezone(UTC), UUID(visit_id)
    except (ValueError, OverflowError, binascii.Error):
        raise Unusable(400, Issue("value", "is no page of a search", "page")) from None
