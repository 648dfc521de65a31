"""What is asked for: FHIR Parameters, resources and addresses, read into plain values.

Reasons quote nothing that was sent.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from appointments.api.doors import Caller
from appointments.api.slot_names import SlotName, slot_named
from appointments.models import Appointment, VisitType
from portal.api.outcomes import FHIR_JSON, Issue, Unusable
from portal.models import Patient

JSON_TYPES = (FHIR_JSON, "application/json")
PATCH_TYPE = "application/json-patch+json"
# A search for free times looks at so many days at once.
MOST_DAYS = 31
# Of no use, and at the end of them a day later does not exist.
_YEARS = (1900, 9000)
_PATCHED = {"/status": "status", "/cancelationReason": "cancelationReason"}
_DATE = re.compile(r"(ge|gt|le|lt|eq)?(\d{4}-\d{2}-\d{2})(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?")


@dataclass(frozen=True)
class Days:
    """Days on the clinic's calendar, both ends included."""

    first: date
    last: date


def body(request: HttpRequest, *types: str) -> Any:
    """The JSON that was sent; raises Unusable."""
    if request.content_type not in (types or JSON_TYPES):
        raise Unusable(415, Issue("not-supported", f"Send {(types or JSON_TYPES)[0]}."))
    try:
        found = json.loads(request.body)
        # Half of a character is text for JSON and for nothing that comes after it; nor is a NUL.
        if b"\\u0000" in json.dumps(found, ensure_ascii=False).encode():
            raise ValueError
        return found
    except (ValueError, RecursionError):
        raise Unusable(400, Issue("structure", "The body is no JSON.")) from None


def resource(request: HttpRequest, kind: str) -> dict[str, Any]:
    """The resource of a kind that was sent; raises Unusable."""
    sent = body(request)
    if not isinstance(sent, dict) or sent.get("resourceType") != kind:
        raise Unusable(422, Issue("structure", f"is no {kind}", kind))
    return sent


class Parameters:
    """What an operation is given: one value for a name."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    def of(cls, request: HttpRequest) -> "Parameters":
        """Those of a FHIR Parameters resource; raises Unusable."""
        values: dict[str, Any] = {}
        for each in _dicts(resource(request, "Parameters").get("parameter")):
            if isinstance(name := each.get("name"), str):
                first = next((each[key] for key in each if key.startswith("value")), None)
                values[name] = each.get("resource", first)
        return cls(values)

    def text(self, name: str) -> str:
        """A value, or the reference or number that it has; "" without one."""
        value = self._values.get(name)
        if isinstance(value, dict):
            coding = value.get("coding")
            first = coding[0] if isinstance(coding, list) and coding else value
            value = first.get("reference", first.get("code")) if isinstance(first, dict) else None
        return value if isinstance(value, str) else ""

    def record_number(self, name: str) -> str:
        """The record number, where a value is an Identifier, or a Reference by one."""
        value = self._values.get(name)
        found = value.get("identifier", value) if isinstance(value, dict) else None
        if not isinstance(found, dict):
            return ""
        kind = found.get("type")
        codings = kind.get("coding") if isinstance(kind, dict) else None
        is_ours = "MR" in [each.get("code") for each in _dicts(codings)]
        # A number of another register may be somebody else's here.
        if not is_ours and (kind or found.get("system")):
            return ""
        number = found.get("value")
        return number if isinstance(number, str) else ""

    def of_resource(self, name: str) -> dict[str, Any] | None:
        """A resource among the values."""
        value = self._values.get(name)
        return value if isinstance(value, dict) and "resourceType" in value else None


def uuid_of(text: str, place: str, kind: str = "") -> UUID:
    """An id, also written as a reference; raises Unusable."""
    try:
        return UUID(text.removeprefix(f"{kind}/"))
    except ValueError:
        wanted = f"must be {kind + '/ with an id' if kind else 'an id'} of this portal"
        raise Unusable(400, Issue("value", wanted, place)) from None


def patient_of(caller: Caller, by_id: str, by_number: str = "", place: str = "patient") -> Patient:
    """The one patient that is named; raises Unusable, the same for nobody and for a stranger."""
    if not by_id and not by_number:
        reason = "must name one patient; a record number goes into a body, not into an address"
        raise Unusable(400, Issue("required", reason, place))
    number = by_number.replace("\x00", "")
    name = {"pk": uuid_of(by_id, place, "Patient")} if by_id else {"mrn": number}
    try:
        return caller.patient(**name)
    except Patient.DoesNotExist:
        reason = "names no patient whom you may see"
        raise Unusable(404, Issue("not-found", reason, place)) from None


def visit_type_of(caller: Caller, text: str, place: str) -> VisitType:
    """The visit type that is named by its id, with or without its system; raises Unusable."""
    wanted = uuid_of(text.rpartition("|")[2], place)
    for visit_type in caller.visit_types():
        if visit_type.pk == wanted:
            return visit_type
    raise Unusable(404, Issue("not-found", "names no kind of visit that can be had here", place))


def slot_of(text: str, place: str) -> SlotName:
    """The free time that is named; raises Unusable."""
    try:
        return slot_named(text.removeprefix("Slot/"))
    except ValueError:
        raise Unusable(
            400, Issue("value", "must be Slot/ with an id from a search", place)
        ) from None


def dated(text: str, zone: ZoneInfo, place: str) -> tuple[str, date]:
    """The prefix of a FHIR date and its day on the clinic's calendar; raises Unusable."""
    parts = _DATE.fullmatch(text)
    try:
        if parts is None or not _YEARS[0] <= int(parts[2][:4]) <= _YEARS[1]:
            raise ValueError
        return parts[1] or "eq", _day(text.removeprefix(parts[1] or ""), zone)
    except (ValueError, OverflowError):
        reason = "must be a date or a time, such as ge2026-11-21"
        raise Unusable(400, Issue("value", reason, place)) from None


def days_of(texts: list[str], zone: ZoneInfo, place: str) -> Days:
    """The days from today on that some dates leave; two weeks where no end is given."""
    first = timezone.localdate(timezone=zone)
    last: date | None = None
    for text in texts:
        mark, on = dated(text, zone, place)
        if mark in ("ge", "gt", "eq"):
            first = max(first, on)
        if mark in ("le", "lt", "eq"):
            last = on
    last = last if last is not None else first + timedelta(days=13)
    if (last - first).days >= MOST_DAYS:
        raise Unusable(400, Issue("too-costly", f"must be at most {MOST_DAYS} days", place))
    return Days(first, last)


def chosen(asked: Parameters) -> tuple[str, str]:
    """Patient and slot as they are named; from `appt-resource`, an Appointment as $find gave it."""
    offered = asked.of_resource("appt-resource")
    if offered is None:
        return asked.text("patient"), asked.text("slot")
    actors = [each.get("actor") for each in _dicts(offered.get("participant"))]
    named = [each.get("reference") for each in _dicts(actors)]
    patients = [each for each in named if isinstance(each, str) and each.startswith("Patient/")]
    times = [each.get("reference") for each in _dicts(offered.get("slot"))]
    time = times[0] if times and isinstance(times[0], str) else ""
    return (patients or [asked.text("patient")])[0], time


def check_unmoved(sent: dict[str, Any], visit: Appointment) -> None:
    """Raise Unusable for a resource that would move its visit: that is done by $hold and $book."""
    for name, is_so in (("start", visit.starts_at), ("end", visit.ends_at)):
        text = sent.get(name)
        try:
            same = text is None or datetime.fromisoformat(text) == is_so
        except (TypeError, ValueError):
            same = False
        if not same:
            reason = "is not what it was: move a visit by $hold with moves, and $book"
            raise Unusable(422, Issue("not-supported", reason, f"Appointment.{name}"))


def status_of(sent: dict[str, Any]) -> tuple[str, str]:
    """The status of an Appointment and its reason."""
    reason = sent.get("cancelationReason")
    words = reason.get("text") if isinstance(reason, dict) else ""
    status = sent.get("status")
    return (
        status if isinstance(status, str) else "",
        words.strip()[:200] if isinstance(words, str) else "",
    )


def patched(operations: Any) -> dict[str, Any]:
    """What a JSON Patch makes of status and cancelationReason; raises Unusable for all else."""
    found: dict[str, Any] = {}
    for each in _dicts(operations):
        path = each.get("path")
        if (
            not isinstance(path, str)
            or path not in _PATCHED
            or each.get("op") not in ("add", "replace")
        ):
            reason = f"may add or replace {' and '.join(_PATCHED)}"
            raise Unusable(422, Issue("not-supported", reason, "Appointment"))
        found[_PATCHED[path]] = each.get("value")
    return found


def _day(text: str, zone: ZoneInfo) -> date:
    """The clinic's day of a date, or of a time; one without an offset is the clinic's."""
    moment = datetime.fromisoformat(text)
    if "T" not in text or moment.tzinfo is None:
        return moment.date()
    return moment.astimezone(zone).date()


def _dicts(listed: Any) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
