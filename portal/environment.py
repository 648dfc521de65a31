"""Reading settings from the environment: the one place that knows how a variable is spelt.

Every function returns a usable value or raises Misconfigured, whose message is one plain sentence
that names the variable and what is wrong with it. A value is never quoted back: it may be a secret.
A variable that is set to nothing counts as missing.
"""

import base64
import binascii
import contextlib
import math
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}
_KEY_BYTES = 32  # AES-256
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_CONNECT_SECONDS = 5
# A database machine that vanished is noticed while its answer is waited for; the system's own
# default is two hours. The other direction is the server's (portal/embedded/roles.py).
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_BUS_SCHEMES = {"redis", "rediss", "unix"}
_POSTGRES_SCHEMES = {"postgres", "postgresql"}


# Every variable that was read, and whether it is set.
_asked: dict[str, bool] = {}


class Misconfigured(ImproperlyConfigured):
    """A variable is missing or cannot be used."""


@contextlib.contextmanager
def said_plainly() -> Iterator[None]:
    """End the process with the sentence alone, and status 2, when a setting cannot be used."""
    try:
        yield
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def asked() -> dict[str, bool]:
    """The variables that settings were read from, and whether each is set. Never a value."""
    return dict(_asked)


def text(name: str, default: str) -> str:
    return _read(name) or default


def orders(name: str) -> str:
    """What a trial asks for, as it stands; "" when the variable is missing or says no."""
    value = _read(name) or ""
    return "" if value.lower() in _NO else value


def required(name: str) -> str:
    value = _read(name)
    if value is None:
        raise Misconfigured(f"The setting {name} is missing: set it in the environment.")
    return value


def boolean(name: str, default: bool) -> bool:
    value = _read(name)
    if value is None:
        return default
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise Misconfigured(f"The setting {name} must be 1 or 0.")


def integer(name: str, default: int, minimum: int | None = None, maximum: int | None = None) -> int:
    value = _read(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        raise Misconfigured(f"The setting {name} must be a whole number.") from None
    if minimum is not None and number < minimum:
        raise Misconfigured(f"The setting {name} must be at least {minimum}.")
    if maximum is not None and number > maximum:
        raise Misconfigured(f"The setting {name} must be at most {maximum}.")
    return number


def names(name: str, default: list[str]) -> list[str]:
    """A list separated by commas."""
    value = _read(name)
    if value is None:
        return list(default)
    return [item.strip() for item in value.split(",") if item.strip()]


def numbers(name: str) -> dict[str, float]:
    """Numbers above 0 by their names: "sockets_per_user=64, unread_seconds=2.5"."""
    found: dict[str, float] = {}
    for item in names(name, []):
        key, _, value = item.partition("=")
        key = key.strip()
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise Misconfigured(f"The setting {name} must be like name=64, with numbers above 0.")
        found[key] = int(number) if number.is_integer() else number
    return found


def path(name: str, default: Path) -> Path:
    value = _read(name)
    return default if value is None else Path(value).absolute()


def one_of(name: str, choices: list[str], default: str) -> str:
    """One of a few words."""
    value = _read(name)
    if value is None:
        return default
    if value not in choices:
        raise Misconfigured(f"The setting {name} must be one of: {', '.join(choices)}.")
    return value


def key_bytes(name: str) -> bytes:
    """A key of 32 bytes in base64, in either alphabet, padded or not; empty when missing."""
    value = _read(name)
    if value is None:
        return b""
    key = _decoded(value + "=" * (-len(value) % 4))
    if len(key) != _KEY_BYTES or not any(key):
        raise Misconfigured(f"The setting {name} must hold {_KEY_BYTES} bytes in base64.")
    return key


def link(name: str) -> str:
    """An address to call, http or https; "" when missing."""
    value = _read(name) or ""
    if value and urlsplit(value).scheme not in {"http", "https"}:
        raise Misconfigured(f"The setting {name} must be an address that begins with https://.")
    return value


def database_url(name: str, required: bool = True, pool: int = 0) -> dict[str, Any]:
    """One entry of Django's DATABASES from postgresql://user:password@host:port/name.

    A host may be a folder with a unix socket, as in postgresql://user@/name?host=/run/postgresql.
    Other parameters become options of the connection. `pool` keeps up to that many connections
    open for all threads of the process; 0 keeps none. Missing and not required: an empty dict.
    """
    value = _read(name)
    if value is None:
        if required:
            raise Misconfigured(
                f"The setting {name} is missing: set it to postgresql://user:password@host:port/name."
            )
        return {}
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise Misconfigured(f"The setting {name} is not a URL with a usable port.") from None
    if url.scheme not in _POSTGRES_SCHEMES:
        raise Misconfigured(f"The setting {name} must begin with postgresql://.")
    if not url.username:
        raise Misconfigured(f"The setting {name} does not say which database user to be.")
    database = unquote(url.path.lstrip("/"))
    if not database or "/" in database:
        raise Misconfigured(f"The setting {name} must end with the name of one database.")
    options: dict[str, Any] = _KEEPALIVES | dict(parse_qsl(url.query))
    host = options.pop("host", unquote(url.hostname or ""))
    # A page must be able to say that the database is away before its reader gives up.
    options.setdefault("connect_timeout", _CONNECT_SECONDS)
    if pool:
        # Under ASGI every request runs in another thread: without a pool each would connect anew.
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": _CONNECT_SECONDS}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": unquote(url.username),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        # A pooled connection may have died with a server that has since come back.
        "CONN_HEALTH_CHECKS": bool(pool),
        "OPTIONS": options,
    }


def bus_url(name: str) -> str:
    """The address of a Valkey or Redis, or "" for the bus inside one process."""
    value = _read(name)
    if value is None:
        return ""
    try:
        url = urlsplit(value)
        usable = url.port is None or url.port > 0
    except ValueError:
        usable = False
    if not usable or url.scheme not in _BUS_SCHEMES:
        raise Misconfigured(f"The setting {name} must be a URL like redis://host:6379/0.")
    return value


def site_url(name: str, *, https: bool) -> str:
    """The portal's own address as the world reaches it, ending with a slash, or ""."""
    value = _read(name)
    if value is None:
        return ""
    try:
        url = urlsplit(value)
        usable = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        usable = False
    extra = usable and (url.path.strip("/") or url.query or url.fragment or url.username)
    if not usable or extra or url.scheme not in ("http", "https"):
        raise Misconfigured(f"The setting {name} must be an address like https://portal.example.")
    if https and url.scheme != "https":
        raise Misconfigured(f"The setting {name} must begin with https://.")
    return f"{url.scheme}://{url.netloc}/"


def encryption_keys(name: str) -> dict[str, bytes]:
    """Keys by id, in order, the first the one that seals: "id:base64,older-id:base64"."""
    keys: dict[str, bytes] = {}
    for position, item in enumerate(required(name).split(","), start=1):
        key_id, separator, encoded = item.strip().partition(":")
        if not separator or not _KEY_ID.fullmatch(key_id):
            raise Misconfigured(
                f"The setting {name} must hold id:key pairs, but entry {position} has no usable id."
            )
        if key_id in keys:
            raise Misconfigured(f"The setting {name} has the key id “{key_id}” twice.")
        key = _decoded(encoded)
        if len(key) != _KEY_BYTES:
            raise Misconfigured(
                f"The setting {name} must hold {_KEY_BYTES} bytes in base64 under “{key_id}”."
            )
        keys[key_id] = key
    return keys


def _decoded(encoded: str) -> bytes:
    """The bytes of a key in either alphabet of base64; empty when it is not base64."""
    try:
        return base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _read(name: str) -> str | None:
    value = os.environ.get(name, "").strip()
    _asked[name] = bool(value)
    return value or None
