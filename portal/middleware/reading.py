"""Who is reading, in which organization, and from which page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.access import reader_in
from portal.middleware.tenancy import WITHOUT_TRANSACTION
from portal.page import Page
from portal.sessions import ORGANIZATION_KEY

ORGANIZATION_HEADER = "X-Vigil-Organization"
ORGANIZATION_FIELD = "_organization"


class Reading:
    """Put `request.reader` (a `Reader` or None) and `request.page` on each request.

    A page belongs to the organization it was rendered for: when its reader has switched in another
    tab, what it sends is refused with 409 and a page that says so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.reader = None  # type: ignore[attr-defined]
        request.page = None  # type: ignore[attr-defined]
        if request.path in WITHOUT_TRANSACTION:
            return self.get_response(request)
        organization_id = request.session.get(ORGANIZATION_KEY)
        if request.user.is_authenticated and organization_id:
            request.reader = reader_in(organization_id, request.user.pk)  # type: ignore[attr-defined]
        # The position is read before any data: an event seen twice only refetches, an event
        # between data and position would be lost (design section 4).
        request.page = Page.open(request)  # type: ignore[attr-defined]
        rendered_for = request.headers.get(ORGANIZATION_HEADER) or (
            request.POST.get(ORGANIZATION_FIELD) if request.method == "POST" else None
        )
        if rendered_for and request.user.is_authenticated and rendered_for != organization_id:
            return render(request, "409.html", status=409)
        return self.get_response(request)
