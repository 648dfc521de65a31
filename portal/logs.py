"""What is written to the log, and what never is.

One line for each request and for whatever a module has to say, with the request's id, the user's
and the organization's. Nothing clinical, no names, no e-mail addresses, no secrets of links: what
slips into a message is masked here, and of an exception only its kind and its place are written,
for its message may quote what somebody typed. Imported by the settings: knows nothing of Django.
"""

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# From the beginning of a word and never backwards: strangers write megabytes without an @.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(\.[\w-]++)+")
# Everything after these beginnings of a path opens something to whoever knows it.
_SECRET_PATH = re.compile(r"(/invitations/|/password/reset/|/calendar/)(?!sent/|done/)[^\s\"'?#]+")
# The key of a service account, wherever somebody put it.
_KEY = re.compile(r"vigil_[0-9a-f]{12}_[\w-]+")

_REFUSALS = "django.security"

INNERMOST = 12
# Of one text; addresses and headers come as long as their senders like.
LONGEST = 4_000


def masked(text: str) -> str:
    """The text without e-mail addresses and without the secrets of links and programs."""
    return _EMAIL.sub("…@…", _KEY.sub("vigil_…", _SECRET_PATH.sub(r"\1…/", text)))


def mask(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Processor: mask every text of an event, and bound it."""
    return {
        key: _bounded(value) if isinstance(value, str) else value for key, value in event.items()
    }


def _bounded(text: str) -> str:
    # Masked first: of half an address nobody could tell that it is one.
    found = masked(text)
    return found if len(found) <= LONGEST else f"{found[:LONGEST]}…"


def tell_exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Processor: put the kind and the place of an exception in place of the exception itself."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = _kinds(error)
        # The innermost calls: the outer ones are the same server and middleware every time.
        event["at"] = [
            f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-INNERMOST:]
        ]
    return event


def play_down(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Processor: what strangers send is not our error, and needs no traceback.

    Django says of a foreign Host or of too many fields, which it refuses with 400, what it says of
    a mistake of ours; whoever reads the log by its errors would read what anybody writes there.
    """
    if str(event.get("logger", "")).startswith(_REFUSALS):
        event.pop("exc_info", None)
        event["level"] = "warning"
    return event


def _kinds(error: BaseException) -> str:
    """The kinds of an exception and of its causes; of a database's, state and constraint too."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 5:
        kind = type(cause).__qualname__
        if state := getattr(cause, "sqlstate", None):
            constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
            kind += f" {state}" + (f" {constraint}" if constraint else "")
        kinds.append(kind)
        cause = cause.__cause__
    return " from ".join(kinds)


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    play_down,
    tell_exception,
    mask,
]


# uvicorn says that a socket was accepted or refused; the library below it, that it is open; uvicorn
# again, as an error, that a handshake was not completed: of each that is refused with a status.
_OF_A_SOCKET = (
    '%s - "WebSocket',
    "connection open",
    "connection rejected",
    "ASGI callable returned without completing handshake",
)


def _is_no_socket(record: logging.LogRecord) -> bool:
    """A socket that opens or is refused is counted, and joins are audited: lines for each of a herd
    are read by nobody, and cost a tenth of letting it in."""
    return not str(record.msg).startswith(_OF_A_SOCKET)


def configuration(*, for_people: bool) -> dict[str, Any]:
    """Django's LOGGING: JSON lines for a collector, or aligned words for a terminal."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if for_people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "filters": {"no sockets": {"()": lambda: _is_no_socket}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["lines"], "level": "INFO"},
        "loggers": {
            # Django's own: no second line, and no mail with a traceback in it.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # The journal has a line for each request, with the path masked.
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "uvicorn": {"handlers": [], "level": "INFO", "propagate": True},
            "uvicorn.error": {
                "handlers": [],
                "level": "INFO",
                "propagate": True,
                "filters": ["no sockets"],
            },
            "axes": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},
        },
    }
