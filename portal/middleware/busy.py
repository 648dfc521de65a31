"""Who asks while too many do is told so."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.operations.not_now import BUSY


class Busy:
    """Answer 503 to whoever got no turn (`portal.page_turns`), before anything is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "is_turned_away", False):
            request.not_now = BUSY  # type: ignore[attr-defined]
            return HttpResponse(status=503)
        return self.get_response(request)
