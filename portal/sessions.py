"""The session store: Django's, in a table that knows whose session it is."""

from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

ORGANIZATION_KEY = "organization"
BROWSER_KEY = "browser"
PLACE_KEY = "place"
# When the person signed in. A session gets a new key when its rights change (a new password,
# another organization), and must not become younger by it.
STARTED_KEY = "started_at"


class SessionStore(DatabaseStore):
    """Saves user, organization and browser beside the session's data.

    Idle time is kept in a column of its own (`last_active_at`), written by the middleware that
    knows what counts as activity: saving a session must not extend it.
    """

    @classmethod
    def get_model_class(cls) -> Any:
        from portal.models import Session

        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        session: Any = super().create_model_instance(data)
        session.user_id = data.get(SESSION_KEY)
        session.organization_id = data.get(ORGANIZATION_KEY)
        session.browser = str(data.get(BROWSER_KEY, ""))[:200]
        if started := data.get(STARTED_KEY):
            session.created_at = datetime.fromisoformat(started)
        kept = (
            self.get_model_class()
            .objects.filter(pk=session.session_key)
            .values_list("created_at", "last_active_at")
            .first()
        )
        if kept:
            session.created_at, session.last_active_at = kept
        return session
