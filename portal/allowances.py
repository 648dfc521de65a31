"""How often somebody may make us work: strangers per network place and account, people on `/api/`.

Counted in the database, so that it holds over all processes. The answer to a stranger does not
change, only what it sets off: a job is not deferred, and so nobody fills the table of jobs. Whoever
is signed in is told to wait.
"""

import logging
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.browsers import address_of
from portal.models import Allowance
from realtime.places import place_of

logger = logging.getLogger(__name__)

# One statement: two processes that count at the same moment both count.
COUNT = """
    INSERT INTO allowances AS before (key, used, until)
    VALUES (%(key)s, 1, now() + make_interval(secs => %(seconds)s))
    ON CONFLICT (key) DO UPDATE SET
        used = CASE WHEN before.until > now() THEN before.used + 1 ELSE 1 END,
        until = CASE WHEN before.until > now() THEN before.until ELSE excluded.until END
    RETURNING used, ceil(extract(epoch FROM until - now()))::integer
"""


class Limit(NamedTuple):
    """So many times in so long, for one place or for one account."""

    name: str
    per_place: int
    per_account: int
    window: timedelta


# A whole clinic may sit behind one address; an e-mail goes out every five minutes at most anyway.
PASSWORD_RESET = Limit("password reset", per_place=30, per_account=5, window=timedelta(hours=1))
# Of one account a guesser gets six tries per place and quarter of an hour (AXES_FAILURE_LIMIT).
REFUSED_SIGN_IN = Limit("refused sign-in", per_place=60, per_account=30, window=timedelta(hours=1))

# A program has as much of its own as it was given (`ServiceAccount`). A person who sends what a
# device measured sends bundles of 200.
API_REQUESTS, API_WINDOW = 120, timedelta(minutes=1)


def is_within(limit: Limit, request: HttpRequest, account: str) -> bool:
    """Count one more, and say whether both the place and the account are still within the limit.

    `account` is what the stranger typed, whether or not there is such an account. Both are always
    counted, the place first: so it costs the same for everybody, and two who ask at the same
    moment never wait for each other in a circle.
    """
    place, account = place_of(address_of(request)), account.strip().lower()
    place_used, _ = _count(f"{limit.name}|place|{place}", limit.window)
    account_used, _ = _count(f"{limit.name}|account|{account}", limit.window)
    if place_used == limit.per_place + 1:
        # Once per window; from where is in the log of the server in front of us.
        logger.warning("One network place has used up its allowance: %s.", limit.name)
    return place_used <= limit.per_place and account_used <= limit.per_account


def api_wait_seconds(user_id: UUID | str) -> int:
    """Count one more request of a person's under `/api/`; for how long they must wait, or 0."""
    used, seconds = _count(f"api|account|{user_id}", API_WINDOW)
    return max(1, seconds) if used > API_REQUESTS else 0


def forget_old() -> None:
    """Forget the windows that have closed."""
    Allowance.objects.filter(until__lt=Now()).delete()


def _count(what: str, window: timedelta) -> tuple[int, int]:
    """Count one more; how many there were in this window, and for how many seconds it goes on."""
    digest = salted_hmac("portal.allowances", what, algorithm="sha256")
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": digest.hexdigest(), "seconds": window.total_seconds()})
        used, seconds = cursor.fetchone()
    return used, seconds
