"""The bus between processes. Delivery goes on without it, a third of a second later."""

import time
from collections.abc import Iterator

from django.conf import settings

from portal.management.doctor.finding import Finding, ok, problem, warning
from portal.operations.wellbeing import BUS_TIMEOUT_SECONDS

SLOW_SECONDS = 0.05


def look() -> Iterator[Finding]:
    """It answers, in time; or there is none, and one process only."""
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
    except (redis.RedisError, OSError) as error:
        yield problem(
            f"The bus does not answer ({type(error).__name__}): events come a third of a second"
            " late, presence and typing not at all",
            "Start Valkey and see that REDIS_URL names it; nothing has to be read back",
        )
        return
    finally:
        client.close()
    if took > SLOW_SECONDS:
        yield warning(f"The bus takes {took * 1000:.0f} ms to answer", "See what keeps it busy")
    else:
        yield ok(f"The bus answers within {took * 1000:.1f} ms")
