"""Twenty sockets that read nothing: they are closed, the others hear on, memory stays bounded."""

from tests.realtime.reading.wire import Deaf, Wire, ids, served
from tests.waiting import wait_until

VITALS = {"event": "*", "schema": "public", "table": "vital_signs"}
DEAF = 20
UNSENT = 65_536
BATCH = 100


def test_twenty_who_do_not_read_cost_the_others_nothing(
    committed, settings, cookie_of, ana, ada, clinic, superuser, inbox
):
    settings.REALTIME_LIMITS = {
        "unsent_bytes": UNSENT,
        "unread_seconds": 1,
        "sockets_per_session": 32,
    }
    cookie = cookie_of(ana)
    with served() as server:
        other = Wire(server, cookie_of(ada))
        other.live(VITALS)
        before = inbox.head()
        payload = {"config": {"postgres_changes": [VITALS | {"since": before}]}}
        stuck = [Deaf(server, cookie, payload) for _ in range(DEAF)]
        wait_until(lambda: len(server.hub.connections) == DEAF + 1, 30)

        last = 0
        # Many times what a socket and the system keep for them; fewer than are replayed.
        while len(server.hub.connections) > 1 and last < 10_000:
            superuser.execute(
                "INSERT INTO realtime_inbox"
                " (organization_id, kind, topics, table_name, row_id, operation, record)"
                " SELECT %s, 'change', %s, 'vital_signs', n::text, 'INSERT',"
                " jsonb_build_object('id', n, 'code', repeat('x', 1500))"
                " FROM generate_series(%s::int, %s::int) AS n",
                [clinic.pk, [f"patient:{ana.patient.pk}"], last + 1, last + BATCH],
            )
            assert ids(other.changes(BATCH, 30)) == list(range(last + 1, last + BATCH + 1))
            last += BATCH
            unsent = [each.line.unsent() for each in list(server.hub.connections)]
            # One batch may be written in one go before the next look.
            assert max(unsent) < UNSENT + 2 * BATCH * 2_000
        wait_until(lambda: len(server.hub.connections) == 1)

        again = Wire(server, cookie)
        again.live({**VITALS, "since": before})
        told = ids([frame[4]["data"] for frame in again.seen if frame[3] == "postgres_changes"])
        assert told == list(range(1, last + 1))
        for each in (*stuck, other, again):
            each.close()
