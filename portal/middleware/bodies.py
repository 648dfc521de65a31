"""A body over the limit is refused before it is read."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class BodyLimit:
    """Answer 413 to a body over `settings.MAX_BODY_BYTES`, declared or found while reading."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        declared = request.headers.get("Content-Length", "0")
        if declared.isdecimal() and int(declared) > settings.MAX_BODY_BYTES:
            return too_large(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A body without a declared length is measured while it is read."""
        return too_large(request) if isinstance(exception, RequestDataTooBig) else None


def too_large(request: HttpRequest) -> HttpResponse:
    """The answer to a body over the limit."""
    return render(request, "413.html", status=413)
