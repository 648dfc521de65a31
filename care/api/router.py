"""The addresses under `/api/observations/`, and what each takes and gives."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field

from care.api import openapi, searching
from care.api.doors import DOORS, caller_of, organization_of
from care.api.resources import observation
from care.api.searching import MOST, USUALLY, Search, identities_of
from care.api.sending import Sending, Sent, entries_of
from care.fhir.documents import Unreadable, parsed
from portal.api.outcomes import FHIR_JSON, Issue, Unusable, answer, outcome

router = Router(auth=DOORS, tags=["Observations"])

_JSON_TYPES = (FHIR_JSON, "application/json")
_COUNT = re.compile(r"\d{1,3}", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


class SearchQuery(Schema):
    """What a search may be asked for in its address: nothing that names a person."""

    patient: str = Field("", max_length=64, description="The id of one patient. Required.")
    code: str = Field("", max_length=300, description="CODE or SYSTEM|CODE")
    date: list[str] = Field(
        [], max_length=2, description="A day or a time, with eq, ge, gt, le or lt before it"
    )
    count: int = Field(USUALLY, ge=1, le=MOST, alias="_count")
    page: str = Field("", max_length=200, description="From the link to the next page")


@router.post(
    "/",
    url_name="observations",
    summary="Send one Observation, or a Bundle (batch or transaction) of them",
    openapi_extra=openapi.SEND,
)
def send(request: HttpRequest) -> HttpResponse:
    """Record what is sent; 201 only once it is committed."""
    sending = Sending(caller_of(request))
    resource = _resource(request)
    if resource.get("resourceType") == "Bundle":
        return _answered(request, sending, resource)
    sent = sending.take(resource)
    headers = {"Location": _location(sent)}
    return answer(_shown(request, [sent])[0], sent.status, **headers)


@router.get(
    "/",
    url_name="observations",
    summary="The observations of one patient, newest first",
    openapi_extra=openapi.SEARCH,
)
def search(request: HttpRequest, asked: Query[SearchQuery]) -> HttpResponse:
    """A searchset of one patient's observations."""
    wanted = Search(
        patient=asked.patient,
        code=asked.code,
        dates=tuple(asked.date),
        count=asked.count,
        page=asked.page,
    )
    return answer(searching.found(wanted, caller_of(request), _path()))


@router.post(
    "/_search",
    url_name="observation_search",
    summary="The same search, with the record number in the body",
    openapi_extra=openapi.SEARCH_BY_FORM,
)
def search_by_form(request: HttpRequest) -> HttpResponse:
    """A search whose terms stay out of addresses: `patient.identifier` is the record number."""
    if request.content_type != _FORM:
        raise Unusable(415, Issue("not-supported", f"Send {_FORM}."))
    form = request.POST
    count = form.get("_count", str(USUALLY))
    if not _COUNT.fullmatch(count) or not 1 <= int(count) <= MOST:
        raise Unusable(400, Issue("value", f"must be a number from 1 to {MOST}", "_count"))
    wanted = Search(
        patient=form.get("patient", ""),
        record_number=form.get("patient.identifier", "").rpartition("|")[2],
        code=form.get("code", ""),
        dates=tuple(form.getlist("date"))[:2],
        count=int(count),
        page=form.get("page", ""),
    )
    return answer(searching.found(wanted, caller_of(request), _path()))


@router.get(
    "/{uuid:observation_id}/",
    url_name="observation",
    summary="One Observation",
    openapi_extra=openapi.READ,
)
def read(request: HttpRequest, observation_id: UUID) -> HttpResponse:
    """One observation; what is not there and what the caller may not read are the same."""
    resource = searching.one(observation_id, caller_of(request))
    if resource is None:
        raise Unusable(404, Issue("not-found", "There is no such observation."))
    return answer(resource)


def _resource(request: HttpRequest) -> dict[str, Any]:
    if request.content_type not in _JSON_TYPES:
        raise Unusable(415, Issue("not-supported", f"Send {FHIR_JSON}."))
    try:
        resource = parsed(request.body)
    except Unreadable as error:
        raise Unusable(400, Issue("structure", f"The body {error}.")) from None
    if not isinstance(resource, dict):
        raise Unusable(400, Issue("structure", "The body is no FHIR resource."))
    return resource


def _answered(request: HttpRequest, sending: Sending, bundle: dict[str, Any]) -> HttpResponse:
    resources = entries_of(bundle)
    is_whole = bundle["type"] == "transaction"
    found: list[Sent | Unusable] = (
        [*sending.take_transaction(resources)] if is_whole else sending.take_batch(resources)
    )
    shown = iter(_shown(request, [each for each in found if isinstance(each, Sent)]))
    entries = [
        _refused(each, index) if isinstance(each, Unusable) else _taken(each, next(shown))
        for index, each in enumerate(found)
    ]
    kind = "transaction-response" if is_whole else "batch-response"
    return answer({"resourceType": "Bundle", "type": kind, "entry": entries})


def _taken(sent: Sent, resource: dict[str, Any]) -> dict[str, Any]:
    status = "201 Created" if sent.status == 201 else "200 OK"
    return {"resource": resource, "response": {"status": status, "location": _location(sent)}}


def _refused(wrong: Unusable, index: int) -> dict[str, Any]:
    issues = [issue.inside(f"Bundle.entry[{index}].resource") for issue in wrong.issues]
    return {"response": {"status": str(wrong.status), "outcome": outcome(issues)}}


def _shown(request: HttpRequest, sent: list[Sent]) -> list[dict[str, Any]]:
    zone = organization_of(caller_of(request)).zone
    rows = [each.recorded.row for each in sent]
    identities = identities_of(rows)
    return [observation(row, identities[row.pk], zone) for row in rows]


def _path() -> str:
    return reverse("api:observations")


def _location(sent: Sent) -> str:
    return reverse("api:observation", args=[sent.recorded.row.pk])
