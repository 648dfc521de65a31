"""Finding observations: of one patient, by code and date, newest first, page after page.

A page ends at a measurement, and the next begins after it: what arrives meanwhile moves nothing.
"""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from care.api import resources
from care.api.doors import Caller, organization_of
from care.fhir.text import clean
from care.models import FhirIdentity, Measurement, Result, VitalSign
from portal import audit
from portal.api.outcomes import Issue, Unusable
from portal.models import Patient

MOST = 200
USUALLY = 50
_MODELS: tuple[type[Measurement], ...] = (VitalSign, Result)
_DATE = re.compile(
    r"(eq|ge|gt|le|lt)?(\d{4}-\d{2}-\d{2})(T[0-9:.]+(?:Z|[+-]\d{2}:\d{2}))?", re.ASCII
)
_CODE = re.compile(r"(?:([^|]*)\|)?([^|]+)")


@dataclass(frozen=True)
class Search:
    """What is looked for. `patient` or `record_number` is needed: nobody lists a clinic."""

    patient: str = ""
    record_number: str = ""
    code: str = ""
    dates: tuple[str, ...] = ()
    count: int = USUALLY
    page: str = ""


def found(search: Search, caller: Caller, path: str) -> dict[str, Any]:
    """A Bundle of the observations that a search finds; raises Unusable or NotAllowed."""
    caller.may_search()
    zone = organization_of(caller).zone
    patient = _patient(search, caller)
    conditions = _conditions(search, zone)
    rows = _newest(caller, patient, conditions, search.count + 1)
    has_more, rows = len(rows) > search.count, rows[: search.count]
    audit.record(
        "observations.searched",
        organization_id=caller.organization_id,
        actor_id=caller.actor_id,
        patient_id=patient.pk,
        found=len(rows),
    )
    identities = identities_of(rows)
    links = (
        [{"relation": "next", "url": _next(search, patient, rows[-1], path)}] if has_more else []
    )
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
        "entry": [
            {
                "fullUrl": f"{path}{row.pk}/",
                "resource": resources.observation(row, identities[row.pk], zone),
                "search": {"mode": "match"},
            }
            for row in rows
        ],
    }
    # FHIR has no empty lists.
    return {name: value for name, value in bundle.items() if value != []}


def one(row_id: UUID, caller: Caller) -> dict[str, Any] | None:
    """One observation that the caller may read, or None."""
    for model in _MODELS:
        row = caller.rows(model._default_manager.filter(pk=row_id)).first()
        if row is not None:
            audit.record(
                "observation.read",
                organization_id=caller.organization_id,
                actor_id=caller.actor_id,
                subject=row,
            )
            zone = organization_of(caller).zone
            return resources.observation(row, identities_of([row])[row.pk], zone)
    return None


def identities_of(rows: Iterable[Measurement]) -> dict[UUID, list[FhirIdentity]]:
    """The business identifiers under which some measurements came; one query."""
    listed: dict[UUID, list[FhirIdentity]] = defaultdict(list)
    for each in FhirIdentity.objects.filter(
        resource_type="Observation", row_id__in=[row.pk for row in rows]
    ).order_by("system", "value"):
        listed[each.row_id].append(each)
    return listed


def _patient(search: Search, caller: Caller) -> Patient:
    try:
        if search.record_number:
            return caller.patient_to_read(by_mrn=clean(search.record_number))
        return caller.patient_to_read(by_id=UUID(search.patient.removeprefix("Patient/")))
    except Patient.DoesNotExist:
        reason = "names no patient whom you may read"
        raise Unusable(404, Issue("not-found", reason, "patient")) from None
    except ValueError:
        reason = "must be the id of one patient; a record number goes into POST _search"
        raise Unusable(400, Issue("required", reason, "patient")) from None


def _conditions(search: Search, zone: ZoneInfo) -> Q:
    conditions = Q()
    if search.code:
        parts = _CODE.fullmatch(clean(search.code))
        if parts is None:
            raise Unusable(400, Issue("value", "must be CODE or SYSTEM|CODE", "code"))
        conditions &= Q(code=parts[2])
        if parts[1]:
            conditions &= Q(code_system=parts[1])
    for text in search.dates:
        conditions &= _dated(text, zone)
    if search.page:
        at, row_id = _place(search.page)
        conditions &= Q(measured_at__lt=at) | Q(measured_at=at, pk__lt=row_id)
    return conditions


def _dated(text: str, zone: ZoneInfo) -> Q:
    """One condition on the date; a day is the clinic's day, all of it."""
    parts = _DATE.fullmatch(text)
    try:
        if parts is None:
            raise ValueError
        prefix, day, hour = parts.groups()
        begin = datetime.fromisoformat(day + (hour or ""))
        if hour:
            # PostgreSQL knows no offset beyond some sixteen hours.
            begin = begin.astimezone(UTC)
        else:
            begin = datetime.combine(begin.date(), time.min, zone)
        # A day later by the calendar, not by 24 hours: clocks change.
        end = begin if hour else datetime.combine(begin.date() + timedelta(days=1), time.min, zone)
    except (ValueError, OverflowError):
        reason = "must be a date or a time with offset, such as ge2026-11-21"
        raise Unusable(400, Issue("value", reason, "date")) from None
    within = Q(measured_at=begin) if hour else Q(measured_at__gte=begin, measured_at__lt=end)
    after = Q(measured_at__gt=begin) if hour else Q(measured_at__gte=end)
    upto = Q(measured_at__lte=begin) if hour else Q(measured_at__lt=end)
    return {
        "eq": within,
        "ge": Q(measured_at__gte=begin),
        "gt": after,
        "le": upto,
        "lt": Q(measured_at__lt=begin),
    }[prefix or "eq"]


def _newest(caller: Caller, patient: Patient, conditions: Q, count: int) -> list[Measurement]:
    """The newest measurements of both tables, one query each."""
    rows: list[Measurement] = []
    for model in _MODELS:
        own = caller.rows(model._default_manager.filter(conditions, patient_id=patient.pk))
        rows += own.order_by("-measured_at", "-pk")[:count]
    return sorted(rows, key=attrgetter("measured_at", "pk"), reverse=True)[:count]


def _next(search: Search, patient: Patient, last: Measurement, path: str) -> str:
    """The address of the next page: by the patient's id, whatever they were asked for by."""
    place = f"{last.measured_at.isoformat()} {last.pk}"
    query: list[tuple[str, str]] = [("patient", str(patient.pk))]
    query += [("code", search.code)] if search.code else []
    query += [("date", each) for each in search.dates]
    query += [("_count", str(search.count))]
    query += [("page", base64.urlsafe_b64encode(place.encode()).decode())]
    return f"{path}?{urlencode(query)}"


def _place(page: str) -> tuple[datetime, UUID]:
    try:
        at, row_id = base64.urlsafe_b64decode(page).decode().split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        # PostgreSQL knows no offset beyond some sixteen hours.
        return moment.astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError, binascii.Error):
        raise Unusable(400, Issue("value", "is no page of a search", "page")) from None
