"""503 in the form that the caller reads: what is wrong passes by itself, so ask again."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

from portal.api.outcomes import Issue, answer, outcome

RETRY_SECONDS = 5


@dataclass(frozen=True)
class Reason:
    """Why not now: a word for programs, FHIR's word, a sentence, and a page."""

    name: str
    code: str
    sentence: str
    page: str


AWAY = Reason(
    "database_away", "transient", "The portal cannot reach its records just now.", "503.html"
)
HELD = Reason(
    "still_held",
    "lock-error",
    "Somebody else is just changing this. Nothing was saved. Please try again.",
    "503-held.html",
)

BUSY = Reason(
    "busy",
    "throttled",
    "Too many are asking at once. Please try again in a moment.",
    "503-busy.html",
)


def not_now(request: HttpRequest, why: Reason, *, instead_of: HttpResponseBase) -> HttpResponse:
    """A page, a line for a fragment, an OperationOutcome under `/api/`, or other JSON.

    Keeps the headers and cookies of the error page that it replaces: its walls (CSP and others).
    """
    response: HttpResponse
    if request.headers.get("HX-Request"):
        # htmx leaves what is on the page where it is when the answer is an error; the page says
        # the line (static/js/page-refresh.js).
        response = HttpResponse(why.sentence, "text/plain")
    elif request.path.startswith("/api/"):
        response = answer(outcome([Issue(why.code, why.sentence)]))
    elif "html" in request.headers.get("Accept", ""):
        response = HttpResponse(
            render_to_string(
                why.page,
                # A form that was sent cannot be sent again by itself: only a read is retried.
                {"seconds": RETRY_SECONDS, "retries": request.method in {"GET", "HEAD"}},
            )
        )
    else:
        response = JsonResponse({"error": why.name})
    for name, value in instead_of.headers.items():
        if name not in {"Content-Type", "Content-Length"}:
            response[name] = value
    response.cookies = instead_of.cookies
    response.status_code = 503
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
