"""Whose poll is next: few read the log at once, the others wait for their turn.

A poll reads under its reader's row-level security, and as long as it does it holds one of the few
database connections of its process, which pages need too. So a person reads twice at once at most;
their other pages wait, in the order in which they asked and without a connection. Who is one too
many, or waits in vain, is told when to come back.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import close_old_connections, connection

from realtime.errors import PollRefused
from realtime.limits import Limits


@dataclass(eq=False, slots=True)
class _Poll:
    user_id: str
    may_read: threading.Event = field(default_factory=threading.Event)


class Turns:
    """The polls that are under way in this process; each has a thread of its own."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._under_way: list[_Poll] = []
        self._reading: Counter[str] = Counter()

    @contextmanager
    def of(self, user_id: str) -> Iterator[None]:
        """Wait for a person's turn, and hold it. Raises PollRefused."""
        poll = self._enter(user_id)
        try:
            if not poll.may_read.is_set():
                if not connection.in_atomic_block:
                    # It was needed to know who asks, and goes back to the pool.
                    close_old_connections()
                if not poll.may_read.wait(self.limits.poll_wait_seconds):
                    raise PollRefused(503, "Too many polls at once", retry_after=10)
            yield
        finally:
            self._leave(poll)

    def _enter(self, user_id: str) -> _Poll:
        limits = self.limits
        with self._lock:
            own = sum(each.user_id == user_id for each in self._under_way)
            if own >= limits.polls_per_user:
                text = f"Too many polls: at most {limits.polls_per_user} per user"
                raise PollRefused(429, text, retry_after=15)
            if len(self._under_way) >= limits.polls_per_process:
                raise PollRefused(503, "Too many polls", retry_after=10)
            poll = _Poll(user_id)
            self._under_way.append(poll)
            self._call()
        return poll

    def _leave(self, poll: _Poll) -> None:
        with self._lock:
            self._under_way.remove(poll)
            if poll.may_read.is_set():
                self._reading[poll.user_id] -= 1
            self._reading += Counter()  # forgets who is at zero
            self._call()

    def _call(self) -> None:
        """Let read whose turn it is: who came first, but nobody more often than they may."""
        for poll in self._under_way:
            if self._reading.total() >= self.limits.polls_reading_per_process:
                return
            is_free = self._reading[poll.user_id] < self.limits.polls_reading_per_user
            if is_free and not poll.may_read.is_set():
                self._reading[poll.user_id] += 1
                poll.may_read.set()
