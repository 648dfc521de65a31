"""How much a person may ask of the API."""

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from portal import allowances
from portal.middleware.service_keys import FOR_PROGRAMS


class ApiAllowance:
    """Count each request of a person's to the API, and put on it for how long they must wait.

    Programs are counted where their key is found (`service_keys`). Outside the request's
    transaction: one that fails counts too, and two of one person do not wait for each other.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(FOR_PROGRAMS) and not request.showed_key:  # type: ignore[attr-defined]
            user_id = request.session.get(SESSION_KEY)
            if user_id:
                request.wait_seconds = allowances.api_wait_seconds(user_id)  # type: ignore[attr-defined]
        return self.get_response(request)
