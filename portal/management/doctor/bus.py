"""The bus between processes. Delivery goes on without it, a third of a second later."""

import ipaddress
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from portal.management.doctor.finding import Finding, ok, problem, warning
from portal.operations.wellbeing import BUS_TIMEOUT_SECONDS

SLOW_SECONDS = 0.05


def look() -> Iterator[Finding]:
    """It answers, in time, and us alone; or there is none, and one process only."""
    if not settings.REDIS_URL:
        yield ok("No bus is set: right for one web process; several need REDIS_URL")
        return
    import redis

    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BUS_TIMEOUT_SECONDS,
        socket_connect_timeout=BUS_TIMEOUT_SECONDS,
    )
    try:
        client.ping()
        began = time.perf_counter()
        client.ping()
        took = time.perf_counter() - began
        is_open = _lets_strangers_in()
    except (redis.RedisError, OSError) as error:
        yield problem(
            f"The bus does not answer ({type(error).__name__}): events come a third of a second"
            " late",
            "Start Valkey and see that REDIS_URL names it, with its password; nothing has to be"
            " read back",
        )
        return
    finally:
        client.close()
    if took > SLOW_SECONDS:
        yield warning(f"The bus takes {took * 1000:.0f} ms to answer", "See what keeps it busy")
    else:
        yield ok(f"The bus answers within {took * 1000:.1f} ms")
    if not is_open:
        yield ok("The bus asks for a password")
    elif _is_this_machine(_address()):
        yield ok("The bus asks for no password: right while it listens to this machine alone")
    else:
        yield problem(
            "The bus asks for no password: whoever reaches it reads which rows change, and can"
            " slow delivery down",
            "Set requirepass in Valkey's configuration, the same in REDIS_URL"
            " (redis://:password@host:6379/0), and let no other machine reach its port",
        )


def _lets_strangers_in() -> bool:
    """Whether it answers somebody who says nothing of a password."""
    import redis

    address = _address()
    for name in ("username", "password"):
        address.pop(name, None)
    pool = redis.ConnectionPool(
        **address,
        socket_timeout=BUS_TIMEOUT_SECONDS,
        socket_connect_timeout=BUS_TIMEOUT_SECONDS,
    )
    try:
        redis.Redis(connection_pool=pool).ping()
    except (redis.ConnectionError, redis.ResponseError):
        # No password, no right to ask, or protected mode, which serves its own machine alone.
        return False
    finally:
        pool.disconnect()
    return True


def _address() -> dict[str, Any]:
    from redis.connection import parse_url

    return dict(parse_url(settings.REDIS_URL))


def _is_this_machine(address: dict[str, Any]) -> bool:
    if "path" in address:
        return True
    host = address.get("host", "localhost")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return bool(host == "localhost")
