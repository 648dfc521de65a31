"""The judgement of the revocation race: from what the log says and what reached the pages.

It asks nothing of the engine's own code.
"""

from dataclasses import dataclass
from datetime import datetime

from tests.realtime.reading.race_trials import LIVE
from tests.realtime.reading.wire import is_system, number

# The channel on which a page asks for everything once more, when all has settled.
AGAIN = "realtime:again"


@dataclass(frozen=True)
class Facts:
    """What the log holds after a position."""

    start: int
    revoked: dict[str, int]  # by user: the position of the first control event about them
    written: dict[str, dict[int, datetime]]  # by topic: the events, and when each was written


async def facts_since(connection, start):
    """Read the facts over a connection that sees everything."""
    cursor = await connection.execute(
        "SELECT substr(topic, 6), min(seq) FROM realtime_events, unnest(topics) AS topic"
        " WHERE seq > %s AND kind = 'control' GROUP BY 1",
        [start],
    )
    revoked = dict(await cursor.fetchall())
    cursor = await connection.execute(
        "SELECT topics[1], seq, created_at FROM realtime_events"
        " WHERE seq > %s AND kind = 'change' AND table_name = 'vital_signs'",
        [start],
    )
    written = {}
    for topic, seq, at in await cursor.fetchall():
        written.setdefault(topic, {})[seq] = at
    return Facts(start, revoked, written)


def leaks(trial, facts):
    """What reached the trial's page after its right had ended, or was never its own."""
    own = facts.written[trial.topic]
    revoked = facts.revoked.get(str(trial.user_id), 0)
    if trial.is_by_clock:
        # A busy machine may write down the end when it has passed already: until then it was none.
        forbidden = {seq for seq, at in own.items() if at >= trial.ends_at and seq > revoked}
    else:
        assert revoked, f"the end was never told: {trial.name}"
        forbidden = {seq for seq in own if seq > revoked}
    assert forbidden, f"nothing was written afterwards: {trial.name}"
    heard = dict(trial.heard)
    if trial.socket is not None:
        heard |= {number(data["position"]): "socket" for data in trial.socket.changes()}
    if trial.company and trial.ends_person:
        heard |= {number(each["position"]): "company" for each in trial.company.changes()}
    foreign = {seq for seq in heard if seq > facts.start} - own.keys()
    late = trial.heard_late | dict.fromkeys(_told_late(trial, revoked), "socket, when it was over")
    return [
        f"{trial.name}: event {seq} by {(heard | late)[seq]}"
        for seq in sorted(forbidden & heard.keys() | foreign | late.keys())
    ]


def _told_late(trial, revoked):
    """What the trial's socket was told, of whatever position, when the end was surely known."""
    if trial.socket is None:
        return
    is_over = False
    for place, frame in enumerate(trial.socket.frames):
        if trial.marked is not None and trial.marked[0] >= revoked:
            is_over = is_over or place >= trial.marked[1]
        if trial.where == LIVE and trial.revoking_from is not None:
            is_over = is_over or (is_system(frame, "access") and place >= trial.revoking_from)
        if frame[3] == "postgres_changes" and (is_over or frame[2] == AGAIN):
            yield number(frame[4]["data"]["position"])


def report(done):
    """How soon the end of a right showed on live pages, in milliseconds after its commit."""
    lines = []
    for way in sorted({bus for bus, _ in done}):
        took = sorted(
            1_000 * (trial.ended_at - trial.revoked_at)
            for bus, trial in done
            if bus == way and trial.where == LIVE and trial.ended_at and trial.revoked_at
        )
        if took:
            p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
            lines.append(f"bus {way}: {len(took)} pages, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    return "\n".join(lines)
