"""E-mail through a server that may be slow, and may not hold whoever sends; or through none."""

import logging
import smtplib
import socket
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend

from portal.cut_off import cut_off_after

logger = logging.getLogger(__name__)

# From the connection to the goodbye. EMAIL_TIMEOUT is how long the server may say nothing.
LONGEST_SECONDS = 60.0


NO_SERVER = "portal.mail.UnsentBackend"


class NoServer(OSError):
    """EMAIL_HOST is not set: nothing was sent."""


def is_on() -> bool:
    """Whether e-mail goes anywhere: to a server, or in a demo to a file."""
    return settings.EMAIL_BACKEND != NO_SERVER


class UnsentBackend(BaseEmailBackend):
    """Where there is no server: raises NoServer, and tells no log what it would have sent."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        logger.error("An e-mail was not sent: EMAIL_HOST is not set.")
        raise NoServer("EMAIL_HOST is not set")


class BoundedBackend(smtp.EmailBackend):
    """Django's SMTP, with an end. What took too long may have arrived: raises TimeoutError."""

    _line: smtplib.SMTP | None = None

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Django's choice, which tells of itself before it waits for the server's first word."""
        backend = self

        class Known(super().connection_class):  # type: ignore[misc]
            def connect(self, *args: Any, **kwargs: Any) -> Any:
                backend._line = self
                return super().connect(*args, **kwargs)

        return Known

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send them within LONGEST_SECONDS."""
        with cut_off_after(LONGEST_SECONDS, self._socket):
            return super().send_messages(email_messages)

    def _socket(self) -> socket.socket | None:
        return self._line.sock if self._line else None
