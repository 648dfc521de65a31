"""E-mail, through Django's backend."""

import smtplib
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from notifications.channels.message import AddressGone, Message, NotSent
from notifications.channels.wording import line
from portal import mail

# The mail server knows no such mailbox (RFC 5321, RFC 3463).
_NO_MAILBOX = {550, 551, 553}


def is_on() -> bool:
    """Whether there is a mail server, or a demo's file in its place."""
    return mail.is_on()


def send(message: Message, address: str) -> str:
    """Hand one message to the mail server; return its Message-ID. Raises NotSent."""
    identifier = _identifier(message.id)
    email = EmailMessage(
        subject=line(message).rstrip("."),
        body=render_to_string(
            "notifications/mail/told.txt",
            {"line": line(message), "site": settings.SITE_URL},
        ),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[address],
        headers={"Message-ID": identifier, "Auto-Submitted": "auto-generated"},
    )
    try:
        email.send()
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _words in refused.recipients.values()]
        if codes and codes[0] in _NO_MAILBOX:
            raise AddressGone(f"smtp_{codes[0]}") from None
        raise NotSent(f"smtp_{codes[0] if codes else 'refused'}") from None
    except smtplib.SMTPResponseException as refused:
        final = 500 <= refused.smtp_code < 600 and not isinstance(
            refused, smtplib.SMTPAuthenticationError
        )
        raise NotSent(f"smtp_{refused.smtp_code}", is_final=final) from None
    except TimeoutError:
        raise NotSent("timeout", is_unknown=True) from None
    except (smtplib.SMTPException, OSError):
        raise NotSent("unreachable") from None
    return identifier


def _identifier(message_id: UUID) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{message_id}@{domain}>"
