"""When the database goes away, or a row is held: a calm page that says so and can come back.

An outage is a database that cannot be reached or is going down; a query that fails is not one. A
row is held when another transaction has locked it for longer than anybody waits, or when the two
wait for each other (`patience`).
"""

import logging
import sys
import threading

import psycopg
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

from portal.middleware.tenancy import WITHOUT_DATABASE
from portal.operations.not_now import AWAY, BUSY, HELD, Reason, not_now
from portal.patience import is_held

logger = logging.getLogger(__name__)

# SQLSTATE classes: 08 connection exception, 53 out of resources (such as connections), 57P0 the
# server is being shut down, has crashed, or is still starting. An error without a state never
# reached a server, or lost it.
_OUTAGE_STATES = ("08", "53", "57P0")


class DatabaseOutageMiddleware:
    """Turn the error page of a request that found no database, or a held row, into one that waits.

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
        why: Reason | None = getattr(request, "not_now", None)
        if why is BUSY and self.is_away:
            # They crowd because each waits for it.
            why = AWAY
        if why is AWAY:
            self._say_once(is_away=True)
        elif response.status_code < 500 and _needed_database(request):
            self._say_once(is_away=False)
        return response if why is None else not_now(request, why, instead_of=response)

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
    error = sys.exc_info()[1]
    if request is not None and is_outage(error):
        request.not_now = AWAY
    elif request is not None and is_held(error):
        request.not_now = HELD
