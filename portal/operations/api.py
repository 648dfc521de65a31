"""The REST API: its frame, its description at `/api/schema/`, and how it says that it refuses.

Each app brings a router of its own. There is no page of documentation: the usual ones load their
script from another host.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from appointments.api.operations import router as appointments
from appointments.api.operations import slots
from care.api.router import router as observations
from portal.api.doors import Unknown
from portal.api.outcomes import Issue, Unusable, Wrong, refusal, unknown_caller

api = NinjaAPI(
    title="Vigil",
    version="1",
    description="Observations, visits and free times as FHIR R4. See docs/integration.md.",
    docs_url=None,
    openapi_url="/schema/",
    urls_namespace="api",
)
api.add_router("/observations", observations)
api.add_router("/appointments", appointments)
api.add_router("/slots", slots)


@api.exception_handler(Wrong)
def _wrong(request: HttpRequest, wrong: Wrong) -> HttpResponse:
    return unknown_caller() if isinstance(wrong, Unknown) else refusal(wrong)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: Any) -> HttpResponse:
    return unknown_caller()


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A parameter of an address; its value is not quoted."""
    issues = [Issue("value", str(each["msg"]), str(each["loc"][-1])) for each in error.errors]
    return refusal(Unusable(400, *issues))
