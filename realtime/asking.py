"""What a hub asks the authority: who is this, what may they read, put on record that they listen.

One by one on a quiet day, by the hundred when a herd comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from realtime import authority as authorities
from realtime.authority import Authority, Grants, Identity, Join
from realtime.gathering import Gathering
from realtime.threads import Threads

# Held rights that are not known after so long end the connection: it comes back and asks anew.
RIGHTS_SECONDS = 2.0

# So long may it take to say who somebody is, and to write down that they listen.
_SECONDS = 5.0

Rights = tuple[list[Identity], Grants | None]


class Asking:
    """The questions of one hub. Each raises Unavailable, or what the authority raises."""

    def __init__(self, authority: Authority, threads: Threads) -> None:
        self._authority = authority
        self._threads = threads
        # Who is calling, by the scope of a handshake; None for nobody.
        self.identify = Gathering(self._identify_all)
        # The grants by the first of a reader's sessions that counts, and the sessions that do not.
        self.rights = Gathering(self._rights_of_all)
        # Somebody joins: returns when it is on record.
        self.joined = Gathering(self._joined_all)

    async def _identify_all(self, scopes: Sequence[Mapping[str, Any]]) -> Sequence[Identity | None]:
        return await self._threads.history(
            _SECONDS, authorities.identify_all, self._authority, scopes
        )

    async def _rights_of_all(self, readers: Sequence[list[Identity]]) -> Sequence[Rights]:
        return await self._threads.rights(RIGHTS_SECONDS, _rights_of, self._authority, readers)

    async def _joined_all(self, joins: Sequence[Join]) -> Sequence[None]:
        return await self._threads.history(_SECONDS, authorities.joined_all, self._authority, joins)


def _rights_of(authority: Authority, readers: Sequence[list[Identity]]) -> list[Rights]:
    """For each reader the grants by the first session that counts, and the sessions that do not."""
    # Of one who has a single session the answer itself says whether it counts: almost everybody.
    several = frozenset(each for of in readers if len(of) > 1 for each in of)
    dead = several - authority.still_valid(several).keys() if several else several
    ended = [[each for each in identities if each in dead] for identities in readers]
    grants: list[Grants | None] = [None] * len(readers)
    # Each round asks by the next session of those who have no answer yet: almost always one.
    asking = {at: [each for each in of if each not in dead] for at, of in enumerate(readers)}
    while asking := {at: sessions for at, sessions in asking.items() if sessions}:
        tried = [sessions.pop(0) for sessions in asking.values()]
        answers = authorities.grants_of(authority, tried)
        for at, identity, answer in zip(list(asking), tried, answers, strict=True):
            if answer is None:
                ended[at].append(identity)
            else:
                grants[at] = answer
                del asking[at]
    return list(zip(ended, grants, strict=True))
