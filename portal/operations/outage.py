"""When the database goes away: a calm page that says so and comes back by itself.

An outage is a database that cannot be reached or is going down; a query that fails is not one.
"""

import logging
import sys
import threading

import psycopg
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

from portal.middleware.tenancy import WITHOUT_DATABASE

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5

# SQLSTATE classes: 08 connection exception, 53 out of resources (such as connections), 57P0 the
# server is being shut down, has crashed, or is still starting. An error without a state never
# reached a server, or lost it.
_OUTAGE_STATES = ("08", "53", "57P0")


class DatabaseOutageMiddleware:
    """Turn the error page of a request that found no database into one that waits for it.

    Outermost, because every other middleware may need the database. Django makes a response of an
    exception around each middleware, so none arrives here: the signal tells which one it was.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.is_away = False
        self.lock = threading.Lock()
        got_request_exception.connect(_mark, dispatch_uid="database outage")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not getattr(request, "database_is_away", False):
            if response.status_code < 500 and _needed_database(request):
                self._say_once(is_away=False)
            return response
        self._say_once(is_away=True)
        return outage_response(request)

    def _say_once(self, *, is_away: bool) -> None:
        with self.lock:
            changed, self.is_away = self.is_away != is_away, is_away
        if changed and is_away:
            logger.error("The database is away: pages say so until it is back.")
        elif changed:
            logger.warning("The database is back.")


def _needed_database(request: HttpRequest) -> bool:
    """Whether an answer shows that the database is there. A style sheet's does not."""
    return request.resolver_match is not None and request.path not in WITHOUT_DATABASE


def outage_response(request: HttpRequest) -> HttpResponse:
    """503 in the form the caller can read: a page, a line for a fragment, or JSON."""
    response: HttpResponse
    if request.headers.get("HX-Request"):
        # htmx leaves what is on the page where it is when the answer is an error.
        response = HttpResponse("The portal cannot reach its records just now.", "text/plain")
    elif "html" in request.headers.get("Accept", ""):
        response = HttpResponse(
            render_to_string(
                "503.html",
                # A form that was sent cannot be sent again by itself: only a read is retried.
                {"seconds": RETRY_SECONDS, "retries": request.method in {"GET", "HEAD"}},
            )
        )
    else:
        response = JsonResponse({"error": "database_away"})
    response.status_code = 503
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def is_outage(error: BaseException | None) -> bool:
    """Whether the database could not be reached, rather than did not like a query."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(_OUTAGE_STATES)


def outage_sentence(error: BaseException) -> str:
    """One plain sentence for a person at a terminal. Names the place, never the password."""
    database = settings.DATABASES["default"]
    place = f"{database['HOST'] or 'the local socket'}:{database['PORT'] or 5432}"
    # The driver's own words are several lines about each address it tried.
    words = str(error.__cause__ or error).strip().splitlines()[0]
    reason = words.rpartition("failed:")[2].removeprefix(" FATAL:").strip().rstrip(".")
    return f"The database “{database['NAME']}” at {place} cannot be reached: {reason}."


def _mark(sender, request=None, **kwargs) -> None:
    if request is not None and is_outage(sys.exc_info()[1]):
        request.database_is_away = True
