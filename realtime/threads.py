"""Where the engine runs blocking code: the authority's questions, and history under row-level
security.

Two pools, so that a herd reading its history cannot delay the question whether somebody's rights
have ended. Their sizes bound the database connections of a process, however many sockets it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

from realtime.errors import Unavailable
from realtime.failpoints import failpoint

P = ParamSpec("P")
T = TypeVar("T")

_RIGHTS, _HISTORY = 2, 5


class Threads:
    """The worker threads of one hub."""

    def __init__(self) -> None:
        self._rights = ThreadPoolExecutor(_RIGHTS, thread_name_prefix="realtime-rights")
        self._history = ThreadPoolExecutor(_HISTORY, thread_name_prefix="realtime-history")

    async def rights(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a question about rights. Raises Unavailable after `seconds`, or what it raises."""
        return await _run(self._rights, seconds, lambda: function(*args, **kwargs))

    async def history(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run anything else. Raises Unavailable after `seconds`, or what it raises."""
        return await _run(self._history, seconds, lambda: function(*args, **kwargs))

    def stop(self) -> None:
        """Take no new work; do not wait for what a thread is in the middle of."""
        self._rights.shutdown(wait=False, cancel_futures=True)
        self._history.shutdown(wait=False, cancel_futures=True)


async def _run(pool: ThreadPoolExecutor, seconds: float, function: Callable[[], T]) -> T:
    def work() -> T:
        close_old_connections()
        try:
            return function()
        finally:
            # Back to Django's pool of connections, or closed when it is too old.
            close_old_connections()

    try:
        async with asyncio.timeout(seconds):
            await failpoint("threads.run")
            return await asyncio.get_running_loop().run_in_executor(pool, work)
    except TimeoutError:
        raise Unavailable(f"no answer within {seconds} s") from None
