"""What the actions refuse, as FHIR says it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from appointments import errors
from portal.api.outcomes import Issue, NotAllowed, Unusable

# Somebody was quicker, or the time is over: another one may do. The rest is a rule.
_GONE = (errors.SlotTaken, errors.HoldEnded)


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turn what an action refuses into an answer about `path`."""
    try:
        yield
    except errors.NotForYou as error:
        raise NotAllowed(str(error)) from None
    except errors.AppointmentError as error:
        status, code = (409, "conflict") if isinstance(error, _GONE) else (422, "business-rule")
        raise Unusable(status, Issue(code, _said(error), path)) from None


def _said(error: errors.AppointmentError) -> str:
    times = error.next_times if isinstance(error, errors.SlotTaken) else []
    if not times:
        return str(error)
    free = ", ".join(
        timezone.localtime(slot.starts_at).isoformat(timespec="minutes") for slot in times
    )
    return f"{error} Free: {free}."
