"""Visits under `/api/appointments/`: searched, read, and their status set."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field

from appointments.api import asking, openapi, resources, searching
from appointments.api.doors import DOORS, Caller, caller_of
from appointments.api.refusing import refusing
from appointments.models import Appointment, Status
from portal.api.outcomes import Issue, Unusable, answer
from portal.models import Organization

router = Router(auth=DOORS, tags=["Appointments"])

MOST = 200
_FORM = "application/x-www-form-urlencoded"
_COUNT = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_STATUSES = {word: status for status, word in resources.STATUSES.items()}


class AppointmentQuery(Schema):
    """What visits may be asked for in an address: nothing that names a person."""

    patient: str = Field("", max_length=64, description="The id of one patient. Required.")
    status: str = Field("", max_length=20, description="booked, arrived, fulfilled …")
    date: list[str] = Field([], max_length=2, description="Days, with ge, gt, le or lt before each")
    count: int = Field(50, ge=1, le=MOST, alias="_count")
    page: str = Field("", max_length=200, description="From the link to the next page")


@router.get(
    "/",
    url_name="appointments",
    summary="The visits of one patient, the next first",
    openapi_extra=openapi.SEARCH,
)
def search(request: HttpRequest, asked: Query[AppointmentQuery]) -> HttpResponse:
    """A searchset of one patient's visits."""
    wanted = searching.Search(
        patient=asked.patient,
        status=asked.status,
        dates=asked.date,
        count=asked.count,
        page=asked.page,
    )
    return _found(caller_of(request), wanted)


@router.post(
    "/_search",
    url_name="appointment_search",
    summary="The same search, with the record number in the body",
    openapi_extra=openapi.SEARCH_BY_FORM,
)
def search_by_form(request: HttpRequest) -> HttpResponse:
    """A search whose terms stay out of addresses: `patient.identifier` is the record number."""
    if request.content_type != _FORM:
        raise Unusable(415, Issue("not-supported", f"Send {_FORM}."))
    form = request.POST
    count = form.get("_count", "50")
    if not _COUNT.fullmatch(count) or int(count) > MOST:
        raise Unusable(400, Issue("value", f"must be a number from 1 to {MOST}", "_count"))
    wanted = searching.Search(
        patient=form.get("patient", ""),
        record_number=form.get("patient.identifier", "").rpartition("|")[2],
        status=form.get("status", ""),
        dates=form.getlist("date")[:2],
        count=int(count),
        page=form.get("page", ""),
    )
    return _found(caller_of(request), wanted)


@router.get(
    "/{uuid:appointment_id}/",
    url_name="appointment",
    summary="One Appointment",
    openapi_extra=openapi.READ,
)
def read(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """One visit; what is not there and what the caller may not see are the same."""
    caller = caller_of(request)
    caller.may_read()
    with caller.at_work():
        visit = searching.one(caller, appointment_id)
        return shown(caller, visit, 200)


@router.put(
    "/{uuid:appointment_id}/",
    url_name="appointment",
    summary="Set the status: cancelled, arrived, fulfilled or noshow",
    openapi_extra=openapi.STATUS,
)
def put(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Set the status that the whole resource has; its times must be those that are."""
    sent = asking.resource(request, "Appointment")
    return _set_status(caller_of(request), appointment_id, sent)


@router.patch(
    "/{uuid:appointment_id}/",
    url_name="appointment",
    summary="The same by JSON Patch of /status and /cancelationReason",
    openapi_extra=openapi.PATCH,
)
def patch(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Set the status that a JSON Patch gives."""
    sent = asking.patched(asking.body(request, asking.PATCH_TYPE))
    return _set_status(caller_of(request), appointment_id, sent)


def _set_status(caller: Caller, visit_id: UUID, sent: dict[str, Any]) -> HttpResponse:
    caller.may_write()
    word, reason = asking.status_of(sent)
    if word not in _STATUSES:
        allowed = ", ".join(_STATUSES)
        raise Unusable(422, Issue("value", f"must be one of {allowed}", "Appointment.status"))
    with caller.at_work(), refusing("Appointment.status"):
        visit = searching.one(caller, visit_id)
        asking.check_unmoved(sent, visit)
        try:
            visit = caller.set_status(visit.pk, Status(_STATUSES[word]), reason)
        except Appointment.DoesNotExist:
            # Seen, but not theirs to change: a caregiver who may only read.
            raise Unusable(
                403, Issue("forbidden", "This visit is not yours to change.", "Appointment")
            ) from None
        return shown(caller, searching.one(caller, visit.pk), 200)


def _found(caller: Caller, wanted: searching.Search) -> HttpResponse:
    caller.may_read()
    with caller.at_work():
        return answer(
            searching.found(wanted, caller, clinic_of(caller).zone, reverse("api:appointments"))
        )


def shown(caller: Caller, visit: Appointment, status: int) -> HttpResponse:
    """The answer that shows a visit."""
    resource = resources.appointment(visit, clinic_of(caller).zone)
    return answer(resource, status, Location=reverse("api:appointment", args=[visit.pk]))


def clinic_of(caller: Caller) -> Organization:
    """The caller's clinic, for its time zone."""
    return Organization.objects.get(pk=caller.organization_id)
