"""A message as it travels between processes: JSON text, and a signature over exactly its bytes.

    {"text": '{"epoch":"f728…","first":7,"last":8,"events":[…]}', "signature": b"…"}

Whoever can write to the bus is not believed for it: what counts was signed with a key made of
SECRET_KEY, or of one of SECRET_KEY_FALLBACKS, so that a new one is taken up process by process. To
send again what was once signed does nothing: it names the log by its epoch, and a place in it that
every hub has behind it. The text stands as versions before the signature sent and read it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from realtime.errors import NotOurs

# Events of a longer message are left out: the log has them, and the bus should not swell.
LONGEST_MESSAGE = 64 * 1024

# What the key is for, so that no other use of SECRET_KEY signs what would pass here.
_PURPOSE = b"realtime.envelope"

Message = dict[str, Any]


def packed(message: Message) -> dict[str, Any]:
    """A message ready to be sent; without its events when they make it long."""
    text = _encoded(message)
    return {"text": text, "signature": _signature(settings.SECRET_KEY, text)}


def unpacked(envelope: Mapping[str, Any]) -> Message:
    """What was packed. Raises NotOurs for all that was not packed with one of our keys."""
    try:
        text, signature = envelope["text"], envelope["signature"]
        is_ours = any(
            hmac.compare_digest(_signature(secret, text), signature)
            for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        # Not an envelope, or not with a text and a signature in it.
        is_ours = False
    if not is_ours:
        raise NotOurs
    message: Message = json.loads(text)
    return message


def _encoded(message: Message) -> str:
    text = json.dumps(message, default=_isoformat, separators=(",", ":"))
    if len(text) > LONGEST_MESSAGE:
        bare = {name: value for name, value in message.items() if name != "events"}
        text = json.dumps(bare, separators=(",", ":"))
    return text


def _isoformat(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not travel on the bus")


def _signature(secret: str, text: str) -> bytes:
    return hmac.digest(_key(secret), text.encode(), "sha256")


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), _PURPOSE, "sha256")
