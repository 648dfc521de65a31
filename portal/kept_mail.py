"""What a demo would have sent: kept in a file for whoever runs it.

E-mails hold links that open an account, and texts hold codes. So they go to no log, which more
people read than may open that account: DEMO_MAIL_FILE is its owner's alone.
"""

import os
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class KeptBackend(BaseEmailBackend):
    """Keeps e-mails, each under its heads. Raises OSError when the file cannot be written."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            keep(message.message().as_string())
        return len(email_messages)


def keep(text: str) -> None:
    """Add a text to the file, whole, and an empty line."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    file = os.open(settings.DEMO_MAIL_FILE, flags, 0o600)
    try:
        os.write(file, f"{text.rstrip()}\n\n".encode())
    finally:
        os.close(file)
