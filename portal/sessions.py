"""The session store: rows that know whose session they are, and not the key that opens it.

The cookie holds the key, which is a secret; the table holds its digest. So who reads the table, a
dump or a backup of it can sign in as nobody. A digest without salt is enough, because keys are
random and too long to guess.

When one began, was used and ends is the database's time (`portal.clock`): a process whose own clock
is behind must not honour a session for longer.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest

ORGANIZATION_KEY = "organization"
BROWSER_KEY = "browser"
PLACE_KEY = "place"
# When the person signed in. A session gets a new key when its rights change (a new password,
# another organization), and must not become younger by it.
STARTED_KEY = "started_at"


def digest_of(session_key: str) -> str:
    """The name of a session, which may be stored, shown and logged (SHA-256, hex)."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def name_of(request: HttpRequest) -> str:
    """The name of the session that a request came with; "" without one."""
    return cast(SessionStore, request.session).digest


class ReadSession(Protocol):
    """A session's row, and what time it was in the database when it was read."""

    session_data: str
    created_at: datetime
    last_active_at: datetime
    read_at: datetime


class SessionStore(SessionBase):
    """Keeps user, organization and browser beside the session's data.

    Idle time is a column of its own (`last_active_at`), written by the middleware that knows what
    counts as activity: saving a session must not extend it.
    """

    # What `load` has read, so that whoever looks at its times need not read it again.
    row: "ReadSession | None" = None

    @property
    def digest(self) -> str:
        """The name of this session; "" while it has no key."""
        return digest_of(self.session_key) if self.session_key else ""

    def load(self) -> dict[str, Any]:
        """The data of a session that has not expired; nothing, and no key, of any other."""
        self.row = (
            _rows().filter(pk=self.digest, expire_date__gt=Now()).annotate(read_at=Now()).first()
        )
        if self.row is None:
            # Never the key that was offered: an attacker may have planted it.
            self._session_key = None
            return {}
        return self.decode(self.row.session_data)

    def exists(self, session_key: str) -> bool:
        """Whether a session has this key."""
        return bool(_rows().filter(pk=digest_of(session_key)).exists())

    def create(self) -> None:
        """Begin a row under a new key."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write the data. Raises UpdateError when the session has been ended meanwhile."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        columns = {
            "session_data": self.encode(data),
            "expire_date": Now() + timedelta(seconds=self.get_expiry_age()),
            "user_id": data.get(SESSION_KEY),
            "organization_id": data.get(ORGANIZATION_KEY),
            "browser": str(data.get(BROWSER_KEY, ""))[:200],
        }
        if must_create:
            self._insert(columns, started_at=data.get(STARTED_KEY))
        elif not _rows().filter(pk=self.digest).update(**columns):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        """End the session with this key, or this one; nothing when it is gone."""
        if key := session_key or self.session_key:
            _rows().filter(pk=digest_of(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Forget what can be opened no more (`manage.py clearsessions`)."""
        _rows().filter(expire_date__lt=Now()).delete()

    def _insert(self, columns: dict[str, Any], *, started_at: str | None) -> None:
        began = datetime.fromisoformat(started_at) if started_at else Now()
        try:
            with transaction.atomic():
                _rows().create(
                    digest=self.digest, created_at=began, last_active_at=Now(), **columns
                )
        except IntegrityError:
            if _rows().filter(pk=self.digest).exists():
                raise CreateError from None
            raise


def _rows() -> Any:
    from portal.models import Session

    return Session.objects
