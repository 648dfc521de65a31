"""Text messages, through whichever provider the clinic has an account with."""

import base64
import json
from typing import Protocol
from urllib.parse import quote, urlencode, urljoin

from django.conf import settings

from notifications.channels import http
from notifications.channels.message import AddressGone, NotSent
from portal.kept_mail import keep

# Twilio's error codes: no such number, not a mobile, or its owner answered STOP.
_NOBODY = {21211, 21214, 21217, 21408, 21610, 21614}


class Provider(Protocol):
    """What a provider of text messages can do."""

    def send(self, number: str, text: str) -> str:
        """Send one text to a number in E.164; return the provider's id. Raises NotSent."""


class Twilio:
    """Twilio's Messages resource (API version 2010-04-01).

    It knows no idempotency key: a request without an answer may have sent the message.
    """

    def __init__(self, url: str, account: str, token: str, sender: str) -> None:
        self._url = urljoin(url, f"/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json")
        credentials = base64.b64encode(f"{account}:{token}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._sender = sender

    def send(self, number: str, text: str) -> str:
        body = urlencode({"To": number, "From": self._sender, "Body": text}).encode()
        answer = http.post(self._url, body, self._headers)
        said = _json(answer.body)
        if answer.status == 201 and isinstance(said.get("sid"), str):
            return str(said["sid"])[:200]
        if said.get("code") in _NOBODY:
            raise AddressGone(f"twilio_{said['code']}")
        raise http.refusal(answer)


class Kept:
    """For the demo: keeps the text that would have gone out, not to whom."""

    def send(self, number: str, text: str) -> str:
        try:
            keep(f"A text message: {text}")
        except OSError:
            raise NotSent("unreachable") from None
        return "kept"


def provider() -> Provider | None:
    """Return the provider that the settings name, or None: the channel is off."""
    if settings.SMS_PROVIDER == "twilio":
        return Twilio(
            settings.SMS_API_URL, settings.SMS_ACCOUNT, settings.SMS_TOKEN, settings.SMS_SENDER
        )
    return Kept() if settings.DEMO_MAIL_FILE else None


def is_on() -> bool:
    """Whether the clinic has a provider, or a demo's file in its place."""
    return provider() is not None


def send(number: str, text: str) -> str:
    """Send one text; return the provider's id. Raises NotSent."""
    found = provider()
    if found is None:
        raise NotSent("channel_off", is_final=True)
    return found.send(number, text)


def _json(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
