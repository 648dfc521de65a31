"""Messages on the bus that the relay did not send, or did not send now.

What was really sent is recorded and sent again: doubled, late, in another order, and with its
numbers and its log changed. Then each message that is heard is answered at once with the lie that
would do most: of the right log, exactly the next number, told of something that never was.
"""

import asyncio
import contextlib
import json
import time
from random import Random

import msgpack
from redis import asyncio as redis
from redis.exceptions import RedisError

RECORD_SECONDS = LIE_SECONDS = 1.0
NONSENSE = [b"", b"\xc1", b"\x93\x01\x02\x03", msgpack.packb({"type": "realtime.log", "text": "["})]


async def send_again(url: str, dice: Random) -> int:
    """Record for a second, then send everything again; return how many messages were sent."""
    sent = 0
    # The bus may be away, or go away: then there is nothing to forge.
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with redis.from_url(url, socket_timeout=3) as bus:
            recorded = await _recorded(bus)
            forged = [*recorded, *recorded]
            for channel, body in recorded:
                forged += [(channel, each) for each in _altered(body)]
            if recorded:
                forged += [(recorded[0][0], body) for body in NONSENSE]
            dice.shuffle(forged)
            for channel, body in forged:
                await bus.publish(channel, body)
                sent += 1
            sent += await _lie_about_the_next(bus)
    return sent


async def cut_listeners(url: str) -> None:
    """End every subscriber's connection, as a full output buffer does."""
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with redis.from_url(url, socket_timeout=3) as bus:
            await bus.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


async def _lie_about_the_next(bus: redis.Redis) -> int:
    """For a second, send what would follow each message before its successor is there."""
    sent = 0
    async with bus.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.psubscribe("*")
        end = time.monotonic() + LIE_SECONDS
        while (left := end - time.monotonic()) > 0:
            message = await listener.get_message(timeout=left)
            for body in _nexts(message["data"]) if message is not None else ():
                await bus.publish(message["channel"], body)
                sent += 1
    return sent


async def _recorded(bus: redis.Redis) -> list[tuple[bytes, bytes]]:
    found = []
    async with bus.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.psubscribe("*")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECORD_SECONDS):
                while len(found) < 50:
                    message = await listener.get_message(timeout=RECORD_SECONDS)
                    if message is not None:
                        found.append((message["channel"], message["data"]))
    return found


def _nexts(body: bytes) -> list[bytes]:
    """What follows a message, as two liars would tell it: under its own signature and under none.

    Nothing follows a lie: two of these forgers would answer one another for ever.
    """
    try:
        wrapped = msgpack.unpackb(body)
        message = json.loads(wrapped["text"])
        event = message["events"][-1]
        if event["row_id"] == "forged":
            return []
        following = event | {"seq": event["seq"] + 1, "row_id": "forged"}
        record = json.loads(event["record"] or event["old_record"]) | {"id": "forged"}
    except (LookupError, TypeError, ValueError):
        return []  # without events, or somebody else's forgery
    following |= {"operation": "INSERT", "record": json.dumps(record), "old_record": None}
    lie = {
        "epoch": message["epoch"],
        "first": following["seq"],
        "last": following["seq"],
        "events": [following],
    }
    signed = wrapped | {"text": json.dumps(lie)}
    return [
        msgpack.packb(each) for each in (signed, {name: signed[name] for name in ("type", "text")})
    ]


def _altered(body: bytes) -> list[bytes]:
    """The same with other numbers, of another log, about other people, and without sense."""
    try:
        wrapped = msgpack.unpackb(body)
        message = json.loads(wrapped["text"])
        events = message["events"]
        ahead = [event | {"seq": event["seq"] + 100_000} for event in events]
    except (KeyError, TypeError, ValueError):
        return []  # without events, or somebody else's forgery
    # Positions that every hub has behind it, told of something else.
    taken = [event | {"seq": seq, "row_id": "forged"} for seq, event in enumerate(events, 1)]
    changed = [
        message | {"epoch": "of another log"},
        message | {"events": ahead, "first": ahead[0]["seq"], "last": ahead[-1]["seq"]},
        message | {"events": taken, "first": 1, "last": len(taken)},
        message | {"events": [{"seq": "no number"}]},
        message | {"first": None},
    ]
    return [msgpack.packb(wrapped | {"text": json.dumps(each)}) for each in changed]
