"""How often somebody who is not signed in may make us work: per network place and per account.

Counted in the database, so that it holds over all processes. The answer to the stranger does not
change, only what it sets off: a job is not deferred, and so nobody fills the table of jobs.
"""

import logging
from datetime import timedelta
from typing import NamedTuple

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
    RETURNING used
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


def is_within(limit: Limit, request: HttpRequest, account: str) -> bool:
    """Count one more, and say whether both the place and the account are still within the limit.

    `account` is what the stranger typed, whether or not there is such an account. Both are always
    counted, the place first: so it costs the same for everybody, and two who ask at the same
    moment never wait for each other in a circle.
    """
    place_used = _count(limit, "place", place_of(address_of(request)))
    account_used = _count(limit, "account", account.strip().lower())
    if place_used == limit.per_place + 1:
        # Once per window; from where is in the log of the server in front of us.
        logger.warning("One network place has used up its allowance: %s.", limit.name)
    return place_used <= limit.per_place and account_used <= limit.per_account


def forget_old() -> None:
    """Forget the windows that have closed."""
    Allowance.objects.filter(until__lt=Now()).delete()


def _count(limit: Limit, kind: str, whose: str) -> int:
    digest = salted_hmac("portal.allowances", f"{limit.name}|{kind}|{whose}", algorithm="sha256")
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": digest.hexdigest(), "seconds": limit.window.total_seconds()})
        return int(cursor.fetchone()[0])
