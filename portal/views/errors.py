"""What is shown when something is not there, not allowed or not well."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what does not exist and what the reader may not see alike, to the last byte."""
    return _page(request, 404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The address or the form made no sense."""
    return _page(request, 400)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours. Needs neither reader nor database: they may be what failed."""
    return _page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its proof: mostly a page that was open while its reader signed in again."""
    return _page(request, 403)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    # Without context processors, which would ask for the user, and so for the database.
    return HttpResponse(render_to_string(f"{status}.html", {"request": request}), status=status)
