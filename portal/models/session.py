"""A signed-in browser: who, in which organization, since when, and when it was last used."""

import pgtrigger
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone

from portal.models.controls import EndsAccess


class SessionManager(BaseSessionManager["Session"]):
    """Reads and saves sessions for `portal.sessions`."""


class Session(AbstractBaseSession):
    """One row per signed-in browser, so that a person can see and end them.

    Global, not of a tenant: it is read before anybody is known. Its end, by whatever way the row
    goes, is an event in the log, and closes the sockets that lived on it.
    """

    # Of the key, which is the browser's secret, only the digest is kept (`portal.sessions`).
    session_key = None  # type: ignore[assignment]
    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey("portal.User", models.CASCADE, null=True, related_name="sessions")
    organization = models.ForeignKey("portal.Organization", models.CASCADE, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_active_at = models.DateTimeField(default=timezone.now)
    browser = models.CharField(max_length=200, blank=True)

    objects = SessionManager()  # type: ignore[misc]  # a manager is of the class

    class Meta:
        db_table = "sessions"
        triggers = [
            EndsAccess(
                name="session_end",
                operation=pgtrigger.Delete | pgtrigger.UpdateOf("organization_id", "user_id"),
                organization="{row}.organization_id",
                users="ARRAY[{row}.user_id]",
                columns=["organization_id", "user_id"],
                kind="session_ended",
                detail="jsonb_build_object('session', {row}.digest)",
            ),
        ]

    @classmethod
    def get_session_store_class(cls) -> type:
        from portal.sessions import SessionStore

        return SessionStore

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"
