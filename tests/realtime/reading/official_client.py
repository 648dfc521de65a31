"""Run the official Python client, unmodified, and print what it is told, a JSON text a line.

    python -I official_client.py URL COOKIE ORIGIN [BINDING, ...]

Its package is named `realtime` like ours, so it runs in a process of its own, isolated from the
checkout. Only the way it opens a socket is told of the cookie, as a browser would be.
"""

import asyncio
import json
import sys
from functools import partial

from realtime import AsyncRealtimeClient
from realtime._async import client as module

url, cookie, origin, bindings = sys.argv[1:]
module.connect = partial(module.connect, additional_headers={"Cookie": cookie}, origin=origin)


def say(kind, what):
    print(json.dumps([kind, what]), flush=True)


async def main():
    client = AsyncRealtimeClient(url, "public-key")
    await client.connect()
    channel = client.channel("page")
    for binding in json.loads(bindings):
        channel.on_postgres_changes(callback=partial(say, "change"), **binding)
    channel.on_system(lambda payload: say("system", dict(payload)))
    await channel.subscribe(lambda state, error: say("state", [state.value, str(error or "")]))
    await asyncio.to_thread(sys.stdin.readline)
    await channel.unsubscribe()
    await client.close()
    say("state", ["closed", ""])


asyncio.run(main())
