"""Web push: a sealed line to a browser, through the push service that the browser chose."""

import json
import re
from functools import lru_cache
from time import time
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from notifications.channels import http
from notifications.channels.message import AddressGone, Message, NotSent
from notifications.channels.push_crypto import (
    claim,
    decoded,
    encoded,
    point_of,
    private_key_of,
    sealed,
)
from notifications.channels.wording import line

# A claim may hold for a day at most (RFC 8292); a service's clock may be off by minutes.
_CLAIM_SECONDS = 12 * 60 * 60
# What nobody fetched within a day is on the bell anyway; an old call for help misleads.
_KEPT_SECONDS = {True: 60 * 60, False: 24 * 60 * 60}


def is_on() -> bool:
    """Whether the clinic has a key with which to sign."""
    return bool(settings.VAPID_PRIVATE_KEY)


def public_key() -> str:
    """The key that a browser subscribes to, or "" when the channel is off."""
    if not is_on():
        return ""
    return encoded(point_of(_private_key(settings.VAPID_PRIVATE_KEY).public_key()))


_HOST = re.compile(r"[a-z0-9.-]+")


def is_known_service(endpoint: str) -> bool:
    """Whether an address belongs to a push service.

    A browser names the address, and we send a request there: anything else would let a member
    make the server knock on doors inside the clinic's network.
    """
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not _HOST.fullmatch(host) or parts.username or parts.password or parts.fragment:
        return False
    if parts.scheme != "https" and not settings.INSECURE_HTTP:
        return False
    if port not in (None, 443) and not settings.INSECURE_HTTP:
        return False
    return any(
        host == known or (known.startswith(".") and host.endswith(known))
        for known in settings.WEB_PUSH_HOSTS
    )


def send(message: Message, endpoint: str, browser_key: str, secret: str) -> str:
    """Send one line to one browser; return the service's name for it. Raises NotSent."""
    if not is_on():
        raise NotSent("channel_off", is_final=True)
    if not is_known_service(endpoint):
        raise AddressGone("unknown_service")
    text = json.dumps({"id": str(message.id), "line": line(message)}).encode()
    try:
        body = sealed(text, decoded(browser_key), decoded(secret))
    except ValueError:
        raise AddressGone("unusable_key") from None
    parts = urlsplit(endpoint)
    answer = http.post(
        endpoint,
        body,
        {
            "Authorization": claim(
                _private_key(settings.VAPID_PRIVATE_KEY),
                f"{parts.scheme}://{parts.netloc}",
                int(time()) + _CLAIM_SECONDS,
                settings.VAPID_SUBJECT,
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_KEPT_SECONDS[message.is_important]),
            "Urgency": "high" if message.is_important else "normal",
        },
    )
    if answer.status in (404, 410):
        raise AddressGone(f"http_{answer.status}")
    if answer.status not in (200, 201, 202, 204):
        raise http.refusal(answer)
    return str(message.id)


@lru_cache(maxsize=2)
def _private_key(number: bytes) -> ec.EllipticCurvePrivateKey:
    return private_key_of(number)
