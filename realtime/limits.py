"""How much one socket, person, organization and process may ask of the engine.

Defaults are for a clinic on one machine. `settings.REALTIME_LIMITS` may override any of them by
name. What is refused is refused clearly: with a status and a sentence at the handshake, a reason at
the join, a close code afterwards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from realtime.authority import Identity
from realtime.errors import HandshakeRefused


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers."""

    # A page is a socket; a clinician has a dozen pages open, on two machines.
    sockets_per_session: int = 16
    sockets_per_user: int = 32
    sockets_per_organization: int = 10_000
    sockets_per_process: int = 15_000
    # A process that was just started is found by all pages at once; who is turned away comes back.
    handshakes_per_second: int = 500
    # How often one address or IPv6 /64 may come as nobody before it costs us nothing more. A clinic
    # sits behind one, and in the morning none of its pages is signed in.
    strangers_per_second: int = 20
    strangers_burst: int = 400
    # All pages of a person come back at once, and again while a server falls over.
    user_handshakes_per_second: int = 10
    user_handshakes_burst: int = 200
    # A page without a socket is a poll every five seconds: so many pages may have none.
    polls_per_user: int = 32
    polls_per_process: int = 200
    # Each holds one of the process's database connections; pages need the others.
    polls_reading_per_user: int = 2
    polls_reading_per_process: int = 4
    poll_wait_seconds: float = 5.0
    polled_positions: int = 20_000
    channels_per_socket: int = 100
    bindings_per_channel: int = 100
    # Each is kept and compared with every change that its reader may see.
    bindings_per_socket: int = 500
    joins_per_second: int = 10
    joins_burst: int = 100
    # What a join costs is its bindings, and a person has many sockets.
    user_bindings_per_second: int = 500
    user_bindings_burst: int = 5_000
    messages_per_second: int = 20
    messages_burst: int = 200
    # Of all kinds, pings and pieces of messages too, which no consumer hears of.
    frames_per_second: int = 40
    frames_burst: int = 400
    frame_bytes: int = 16_384
    # What may wait in this process for a peer that reads slowly.
    unsent_bytes: int = 1_048_576
    # Looked at once a second: who reads nothing is closed within five.
    unread_seconds: float = 3.0
    idle_seconds: float = 60.0
    position_seconds: float = 5.0
    replayed_events: int = 20_000

    @classmethod
    def configured(cls) -> Limits:
        """The defaults with `settings.REALTIME_LIMITS` on top."""
        overrides = getattr(settings, "REALTIME_LIMITS", {})
        unknown = set(overrides) - {each.name for each in fields(cls)}
        if unknown:
            raise ImproperlyConfigured(f"REALTIME_LIMITS has no {', '.join(sorted(unknown))}.")
        return cls(**overrides)


class Bucket:
    """So many a second, and a burst after a rest."""

    __slots__ = ("_at", "_clock", "_left", "burst", "rate")

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._left = burst
        self._at = clock()

    def take(self, count: int = 1) -> bool:
        """Whether one more, or so many, are within the limit."""
        if not self.has(count):
            return False
        self._left -= count
        return True

    def has(self, count: int) -> bool:
        """Whether so many more would be."""
        now = self._clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left >= count


class Sockets:
    """The open sockets of this process, counted by whom they belong to."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._counts: Counter[tuple[str, str]] = Counter()
        self.handshakes = Bucket(limits.handshakes_per_second, 2 * limits.handshakes_per_second)
        # Whoever was forgotten begins with a full one.
        self._handshakes_of = lru_cache(maxsize=20_000)(self._full_bucket)
        self._bindings_of = lru_cache(maxsize=20_000)(self._bindings_bucket)
        self._strangers_at = lru_cache(maxsize=20_000)(self._strangers_bucket)

    @property
    def total(self) -> int:
        return self._counts["process", ""]

    def by_organization(self) -> dict[str, int]:
        """How many are open for each organization; may be asked from any thread."""
        counts = self._counts.copy()
        return {name: count for (scope, name), count in counts.items() if scope == "organization"}

    def knock(self, place: str) -> None:
        """A handshake begins. Raises HandshakeRefused when too many do at once.

        A place that strangers come from by the hundred takes nothing of what all share.
        """
        if not self._strangers_at(place).has(1):
            raise HandshakeRefused(429, "Too many joins per second from here", retry_after=30)
        if self.total >= self.limits.sockets_per_process:
            raise HandshakeRefused(503, "Too many connected users", retry_after=10)
        if not self.handshakes.take():
            raise HandshakeRefused(503, "Too many joins per second", retry_after=5)

    def was_stranger(self, place: str) -> None:
        """Who came from there is nobody we know."""
        self._strangers_at(place).take()

    def enter(self, identity: Identity) -> None:
        """Count a socket in. Raises HandshakeRefused, counting nothing, when it is one too many."""
        # A socket that is opened and closed again and again is never one too many, and each of its
        # joins is written into the audit log.
        if not self._handshakes_of(identity.user_id).take():
            raise HandshakeRefused(429, "Too many joins per second per user", retry_after=30)
        for (scope, name), most in self._places(identity):
            if self._counts[scope, name] >= most:
                raise HandshakeRefused(
                    429, f"Too many connected users: at most {most} per {scope}", retry_after=30
                )
        for place, _ in self._places(identity):
            self._counts[place] += 1

    def may_bind(self, identity: Identity, count: int) -> bool:
        """Whether a person may ask for so many bindings more, on whichever of their sockets."""
        return self._bindings_of(identity.user_id).take(count)

    def leave(self, identity: Identity) -> None:
        """Count a socket out."""
        for place, _ in self._places(identity):
            self._counts[place] -= 1
            if self._counts[place] <= 0:
                del self._counts[place]

    def _full_bucket(self, user_id: str) -> Bucket:
        limits = self.limits
        return Bucket(limits.user_handshakes_per_second, limits.user_handshakes_burst)

    def _bindings_bucket(self, user_id: str) -> Bucket:
        limits = self.limits
        return Bucket(limits.user_bindings_per_second, limits.user_bindings_burst)

    def _strangers_bucket(self, place: str) -> Bucket:
        return Bucket(self.limits.strangers_per_second, self.limits.strangers_burst)

    def _places(self, identity: Identity) -> list[tuple[tuple[str, str], int]]:
        limits = self.limits
        return [
            (("session", identity.session), limits.sockets_per_session),
            (("user", identity.user_id), limits.sockets_per_user),
            (("organization", identity.organization_id), limits.sockets_per_organization),
            (("process", ""), limits.sockets_per_process),
        ]
