"""What no address of ours holds is refused before anybody reads it."""

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse


class PlainAddresses:
    """Answer 400 to an address with a NUL, which PostgreSQL has in no text.

    Forms refuse it as a mistake in a field; filters and searches would pass it on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation("A NUL in the address.")
        return self.get_response(request)
