"""E-mail through a server that may be slow, and may not hold whoever sends."""

import smtplib
import socket
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from portal.cut_off import cut_off_after

# From the connection to the goodbye. EMAIL_TIMEOUT is how long the server may say nothing.
LONGEST_SECONDS = 60.0


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
