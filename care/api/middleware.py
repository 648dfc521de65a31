"""What is wrong before a view is reached, in the words of the API."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.api.outcomes import Issue, answer, outcome

_WORDS = {
    400: ("structure", "The request makes no sense."),
    403: ("forbidden", "This is not allowed."),
    404: ("not-found", "There is nothing at this address."),
    405: ("not-supported", "This address does not take this method."),
    409: ("conflict", "The page was made for another organization."),
    413: ("too-long", "The body is larger than one million bytes."),
    500: ("exception", "Something went wrong here. It is on record."),
}


class ApiErrors:
    """Under `/api/` an error is an OperationOutcome, where a person would get a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if not (request.path.startswith("/api/") and response.status_code >= 400 and is_page):
            return response
        code, words = _WORDS.get(response.status_code, _WORDS[500])
        plain = answer(outcome([Issue(code, words)]), response.status_code)
        for name in ("Allow", "Retry-After"):
            if name in response:
                plain[name] = response[name]
        plain.cookies = response.cookies
        return plain
