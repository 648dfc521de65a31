"""One request to a provider: with a limit of time, to the named host and to no other."""

import http.client
import ssl
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from notifications.channels.message import NotSent
from portal.cut_off import cut_off_after

# For one wait, and for the whole of an answer once we are connected.
TIMEOUT_SECONDS = 10
LONGEST_SECONDS = 15
# An answer is a receipt. What is longer is not one.
LONGEST_ANSWER = 65_536  # bytes


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send one POST and return the answer; redirects are not followed.

    Raises NotSent when no answer comes: whether it arrived is then not known, unless there was no
    connection at all.
    """
    parts = urlsplit(url)
    connection = _connection(parts)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        _connect(connection)
        # The answer may take the socket over.
        line = connection.sock
        with cut_off_after(LONGEST_SECONDS, lambda: line):
            connection.request("POST", path or "/", body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read(LONGEST_ANSWER))
    except TimeoutError:
        raise NotSent("timeout", is_unknown=True) from None
    except (OSError, http.client.HTTPException):
        # The provider may have had the whole of it before the line broke.
        raise NotSent("no_answer", is_unknown=True) from None
    finally:
        connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    try:
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                parts.netloc, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    except http.client.InvalidURL:
        raise NotSent("unusable_address", is_final=True) from None


def _connect(connection: http.client.HTTPConnection) -> None:
    try:
        connection.connect()
    except UnicodeError:
        # A part of the name is empty or longer than 63 letters: no host was ever called so.
        raise NotSent("unusable_address", is_final=True) from None
    except OSError:
        raise NotSent("unreachable") from None


def refusal(answer: Answer) -> NotSent:
    """Say what a refusal means: it passes or it stays.

    Overload and a provider's own failure pass; so does 401, once somebody has mended our account.
    """
    passes = answer.status in (401, 408, 425, 429) or answer.status >= 500
    return NotSent(f"http_{answer.status}", is_final=not passes, retry_after=_retry_after(answer))


def _retry_after(answer: Answer) -> timedelta | None:
    asked = answer.headers.get("Retry-After", "")
    # The other form, a date, is rare: our own waiting serves.
    return timedelta(seconds=min(int(asked), 3600)) if asked.isdecimal() else None
