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

from django.db import InterfaceError, OperationalError, close_old_connections

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
        self._is_stopped = False

    async def rights(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a question about rights. Raises Unavailable after `seconds`, or what it raises."""
        return await self._run(self._rights, seconds, lambda: function(*args, **kwargs))

    async def history(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run anything else. Raises Unavailable after `seconds`, or what it raises."""
        return await self._run(self._history, seconds, lambda: function(*args, **kwargs))

    def stop(self) -> None:
        """Take no new work; do not wait for what a thread is in the middle of.

        Whoever still asks, or waits for a thread, is answered with Unavailable.
        """
        self._is_stopped = True
        self._rights.shutdown(wait=False, cancel_futures=True)
        self._history.shutdown(wait=False, cancel_futures=True)

    async def _run(self, pool: ThreadPoolExecutor, seconds: float, function: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(seconds):
                await failpoint("threads.run")
                return await asyncio.get_running_loop().run_in_executor(pool, _clean, function)
        except TimeoutError:
            raise Unavailable(f"no answer within {seconds} s") from None
        except (OperationalError, InterfaceError) as error:
            # No mistake of ours, however many ask meanwhile: who asked is told to come back.
            raise Unavailable(f"the database is away: {type(error).__name__}") from error
        except (RuntimeError, asyncio.CancelledError):
            task = asyncio.current_task()
            if self._is_stopped and task is not None and not task.cancelling():
                # The pool takes nothing any more, or gave up what waited in it. Nobody cancelled
                # this task, which others may wait for.
                raise Unavailable("the process ends") from None
            raise


def _clean(function: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return function()
    finally:
        # Back to Django's pool of connections, or closed when it is too old.
        close_old_connections()
