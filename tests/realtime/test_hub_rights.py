"""Asking for rights: whoever is held is asked for, whenever the hold comes."""

import asyncio

from realtime.authority import Identity
from realtime.bus import Bus
from realtime.hub import Hub
from tests.realtime.hub_world import ORGANIZATION, an_event


class Everything:
    """An authority that lets everybody read the first patient."""

    def still_valid(self, identities):
        return dict.fromkeys(identities)

    def grants(self, identity):
        return {"patient:1": None}


class Socket:
    def __init__(self):
        self.identity = Identity("ana", ORGANIZATION, "session")
        self.subscriptions = set()

    def close(self, code, reason):
        """Nobody listens."""


async def test_rights_that_change_as_the_asking_ends_are_asked_for_again():
    hub = Hub(authority=Everything(), bus=Bus())
    hub.core.start("e0", 0)
    done, changes = hub._done, []

    def change_rights(task):
        # After the answer was taken, before the loop has turned.
        done(task)
        if task.get_name() == "hub: rights" and not changes:
            changes.append(an_event(1, ("user:ana",), kind="control", operation="grants", table=""))
            assert hub.core.receive("e0", 1, changes, 0.0)

    hub._done = change_rights
    socket = Socket()
    hub.core.arrive(socket, 0)
    reader = hub.core.readers.of(socket.identity)
    try:
        async with asyncio.timeout(60):
            while not changes or reader.rights.held:
                await asyncio.sleep(0.005)
    finally:
        hub.threads.stop()
    assert not hub._asking
