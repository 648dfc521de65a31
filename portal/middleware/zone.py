"""Every time on a page is the clinic's, wherever its reader is."""

from collections.abc import Callable
from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class ClinicZone:
    """Run each view in its reader's organization's time zone; UTC when there is no reader."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = request.page  # type: ignore[attr-defined]
        organization = page.organization if page else None
        with timezone.override(organization.zone if organization else UTC):
            return self.get_response(request)
