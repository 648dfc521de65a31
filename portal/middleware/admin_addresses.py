"""What no filter of the administration can ask for is refused before it asks."""

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse


class AdminAddresses:
    """Answer 400 to an address of the administration with a NUL, which PostgreSQL has in no text.

    Our own views take it for something that is not there; Django's filters pass it on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/") and "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation("A NUL in the address.")
        return self.get_response(request)
