"""Bugs of the engine: sequencing, doorbell, leadership, hub, replay, polling."""

from tests.gate.bug import Bug, Edit

MOVE = "realtime/sql/realtime_move.v2.sql"
CORE = "realtime/hub_core.py"

# Of realtime_move; the same lines stand in realtime_move_singly.
FENCE = """    SELECT * INTO relay FROM realtime_relay WHERE leader_epoch = mine FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM realtime_deposed();
    END IF;
"""
ROOM = """    IF relay.last_seq + most >= relay.partitioned_to THEN
        PERFORM realtime_add_partition();
    END IF;
"""

ENGINE = (
    Bug(
        "positions against the order of commits",
        "sequencer",
        "Events of one batch are numbered from the newest to the oldest.",
        "every page hears what was committed in the order it was",
        (
            Edit(
                MOVE,
                "relay.last_seq + row_number() OVER (ORDER BY id)",
                "relay.last_seq + row_number() OVER (ORDER BY id DESC)",
            ),
        ),
        ("tests/realtime/test_sequencer.py", "tests/realtime/test_commit_order.py"),
    ),
    Bug(
        "a move begins where a look ended",
        "sequencer",
        "A move takes the rows from the first that was seen before it: what a longer transaction"
        " wrote earlier, and commits in between, gets a later position.",
        "every page hears what was committed in the order it was",
        (
            Edit(
                MOVE,
                "    relay realtime_relay;\n    moved bigint;\n",
                "    relay realtime_relay;\n    first bigint;\n    moved bigint;\n",
            ),
            Edit(
                MOVE,
                "    IF NOT EXISTS (SELECT FROM realtime_inbox WHERE id > beyond) THEN\n",
                "    SELECT i.id INTO first FROM realtime_inbox AS i ORDER BY i.id LIMIT 1;\n"
                "    IF NOT FOUND THEN\n",
            ),
            Edit(
                MOVE,
                "SELECT id FROM realtime_inbox WHERE id > beyond ORDER BY id LIMIT most",
                "SELECT id FROM realtime_inbox WHERE id >= first ORDER BY id LIMIT most",
            ),
        ),
        ("tests/realtime/test_sequencer.py",),
    ),
    Bug(
        "what is still being written is left out",
        "sequencer",
        "Of the inbox the relay leaves out what it has moved, and with it what transactions that"
        " are still open have written there.",
        "every committed event reaches every page entitled to it",
        (
            Edit(
                "realtime/settled.py",
                "        elif self._writers.isdisjoint(writers):\n",
                "        else:\n",
            ),
        ),
        ("tests/realtime/test_settled.py", "tests/realtime/test_commit_order.py"),
    ),
    Bug(
        "no fence",
        "sequencer",
        "A relay that was deposed goes on numbering beside its successor.",
        "a position stands for one event, whoever led",
        (
            Edit(
                MOVE,
                FENCE + ROOM + "\n    RETURN QUERY",
                "    SELECT * INTO relay FROM realtime_relay FOR UPDATE;\n"
                "    mine := relay.leader_epoch;\n" + ROOM + "\n    RETURN QUERY",
            ),
        ),
        ("tests/realtime/test_sequencer.py",),
    ),
    Bug(
        "a hole after each batch",
        "sequencer",
        "The counter runs one ahead of the events that were moved.",
        "positions have no holes, so that a hole always means a loss",
        (
            Edit(
                MOVE,
                "last_seq = relay.last_seq + moved,",
                "last_seq = relay.last_seq + moved + 1,",
            ),
        ),
        ("tests/realtime/test_sequencer.py",),
    ),
    Bug(
        "a buried revocation is forgotten",
        "sequencer",
        "A control event that the log refuses becomes an order to resync, and no right ends.",
        "nothing after a revocation reaches the revoked",
        (
            Edit(
                MOVE,
                "item.kind := CASE item.kind WHEN 'control' THEN 'control' ELSE 'resync' END;",
                "item.kind := 'resync';",
            ),
        ),
        ("tests/realtime/test_sequencer.py",),
    ),
    Bug(
        "the relay sleeps before a silenced writer commits",
        "doorbell",
        "A writer that left the bell to another may commit after the last look.",
        "a commit is told at once, not at the next sweep",
        (
            Edit(
                "realtime/sql/realtime_lie_down.v1.sql",
                "IF NOT pg_try_advisory_lock(1986619241, 2) THEN",
                "IF false AND NOT pg_try_advisory_lock(1986619241, 2) THEN",
            ),
        ),
        ("tests/realtime/test_doorbell.py",),
    ),
    Bug(
        "a full queue fails the commit",
        "doorbell",
        "The bell rings into a full notify queue, and the clinical write that rings is refused.",
        "the engine never makes a clinical write fail",
        (
            Edit(
                "realtime/sql/realtime_bell.v1.sql",
                "IF pg_notification_queue_usage() < 0.5 THEN",
                "IF pg_notification_queue_usage() < 5 THEN",
            ),
        ),
        ("tests/realtime/test_doorbell.py",),
    ),
    Bug(
        "asleep with rows in the inbox",
        "relay",
        "A sleeping relay that finds rows goes on sleeping, so that nobody rings for the next.",
        "a commit is told at once, not at the next sweep",
        (
            Edit(
                "realtime/relay_core.py",
                "            if self.is_asleep:\n                return self._get_up()\n",
                "",
            ),
        ),
        ("tests/realtime/test_relay_core.py",),
    ),
    Bug(
        "a stopped leader leads for ever",
        "relay",
        "A standby never ends a leader that gives no sign of life.",
        "another relay leads within three seconds",
        (
            Edit(
                "realtime/sql/realtime_lead.v3.sql",
                "WHERE beat < clock_timestamp() - patience",
                "WHERE beat < clock_timestamp() - 100 * patience",
            ),
        ),
        ("tests/realtime/test_leader.py",),
    ),
    Bug(
        "holes are skipped",
        "hub",
        "A message of the bus that follows a lost one is taken as if nothing were missing.",
        "every committed event reaches every page entitled to it",
        (
            Edit(
                CORE,
                "if epoch != self.epoch or first > self.seq + 1:",
                "if epoch != self.epoch:",
            ),
            Edit(
                CORE,
                "if event.seq == self.seq + 1:\n",
                "if event.seq > self.seq:\n",
            ),
        ),
        ("tests/realtime/test_hub_steps.py",),
    ),
    Bug(
        "a mistake about one page is everybody's",
        "hub",
        "What cannot be told to one channel is told to none of those after it, and the position"
        " moves on.",
        "every committed event reaches every page entitled to it",
        (Edit(CORE, "mistake = error\n", "raise\n"),),
        ("tests/realtime/test_hub_steps.py",),
    ),
    Bug(
        "what cannot be encoded for one is encoded for none",
        "hub",
        "A change that cannot be written as frames for one channel is told to none of the others.",
        "every committed event reaches every page entitled to it",
        (
            Edit(
                "realtime/hub.py",
                "                mistake = error\n                for connection",
                "                raise\n                for connection",
            ),
        ),
        ("tests/realtime/reading/test_mistakes.py",),
    ),
    Bug(
        "the held stay on the roll",
        "rights",
        "Who is told of a change is not found again when somebody's rights are in doubt.",
        "nothing after the end of a right reaches the page",
        (
            Edit(
                "realtime/readers.py",
                "        self._forget_rolls()\n        reader.rights.hold()\n",
                "        reader.rights.hold()\n",
            ),
        ),
        ("tests/realtime/test_hub_core.py", "tests/realtime/reading/test_revocation.py"),
    ),
    Bug(
        "unsigned messages are believed",
        "hub",
        "Whoever may write to the bus invents the next event, and hides the true one.",
        "every committed event reaches every page entitled to it",
        (Edit("realtime/envelope.py", "    if not is_ours:\n        raise NotOurs\n", ""),),
        ("tests/realtime/test_envelope.py", "tests/realtime/reading/test_lifespan.py"),
    ),
    Bug(
        "strangers use up what all share",
        "hub",
        "Whoever has no session takes the handshakes of all who have one, and their pages poll.",
        "what one asks for takes nothing from the others",
        (
            Edit(
                "realtime/limits.py",
                "        if not self._strangers_at(place).has(1):\n",
                "        if self.total < 0:\n",
            ),
        ),
        ("tests/realtime/reading/test_limits.py", "-k", "strangers"),
    ),
    Bug(
        "what cannot be sent is never let go",
        "pages",
        "An answer that the server refuses keeps its connection, and there are eight.",
        "what one asks for takes nothing from the others",
        (
            Edit(
                "portal/asgi_handler.py", "            await sync_to_async(response.close)()\n", ""
            ),
        ),
        ("tests/house/test_unsent_answers.py",),
    ),
    Bug(
        "an answer that nobody reads keeps its connection",
        "pages",
        "Whoever asks and does not read has a connection for as long as they like.",
        "what one asks for takes nothing from the others",
        (
            Edit(
                "portal/asgi_handler.py",
                "            await sync_to_async(close_old_connections)()\n",
                "",
            ),
        ),
        ("tests/house/test_slow_readers.py",),
    ),
    Bug(
        "a body is taken in before anybody looks at it",
        "pages",
        "Whoever sends without end fills the disk.",
        "what one asks for takes nothing from the others",
        (
            Edit("portal/asgi_handler.py", "        if taken > most:\n", "        if False:\n"),
            Edit(
                "portal/asgi_handler.py",
                "} if taken > most else message",
                "} if False else message",
            ),
        ),
        ("tests/house/test_endless_bodies.py",),
    ),
    Bug(
        "all pages may be one place's",
        "pages",
        "Whoever opens many lines at once keeps the pages of all others waiting.",
        "what one asks for takes nothing from the others",
        (
            Edit(
                "portal/page_turns.py",
                "            if places[turn.place] >= self.of_one:\n",
                "            if places[turn.place] >= self.at_once:\n",
            ),
        ),
        ("tests/house/test_crowds.py", "-k", "one_persons"),
    ),
    Bug(
        "who has hung up is never done",
        "pages",
        "Each request that nobody waits for any more takes a place among the pages for good.",
        "what one asks for takes nothing from the others",
        (
            Edit(
                "portal/asgi_handler.py",
                "            return response\n"
                "        finally:\n            turns.give_back(turn)\n",
                "            turns.give_back(turn)\n            return response\n"
                "        except Exception:\n            turns.give_back(turn)\n            raise\n",
            ),
        ),
        ("tests/house/test_crowds.py", "-k", "hangs_up"),
    ),
    Bug(
        "each machine has a time of its own",
        "rights",
        "What ends by the clock ends by that of whichever machine serves it.",
        "nothing after the end of a right reaches the page",
        (
            Edit(
                "realtime/shared_clock.py",
                "        return time.monotonic() + self._most\n",
                "        return time.time()\n",
            ),
        ),
        ("tests/realtime/test_shared_clock.py",),
    ),
    Bug(
        "silence is good news",
        "hub",
        "While the bus says nothing, the log is never asked: the loss of a last message stays.",
        "delivery goes on without any bus",
        (
            Edit(
                "realtime/hub.py",
                "return now - self._heard_at >= SILENCE_SECONDS or now - self._looked_at >="
                " LOOK_SECONDS",
                "return now - self._heard_at >= 1_000 * SILENCE_SECONDS",
            ),
        ),
        ("tests/realtime/reading/test_hub.py", "-k", "by_silence"),
    ),
    Bug(
        "a slow bus is believed",
        "hub",
        "As long as the bus brings something, however old, the log is not asked.",
        "a page that cannot be brought up to date says so",
        (Edit("realtime/hub.py", " or now - self._looked_at >= LOOK_SECONDS", ""),),
        ("tests/realtime/reading/test_hub.py",),
    ),
    Bug(
        "a log that stands still is fresh",
        "hub",
        "Who can read the log has everything, also while no relay moves anything into it.",
        "a page that cannot be brought up to date says so",
        (Edit("realtime/hub.py", "        if not is_still:\n", "        if True:\n"),),
        ("tests/realtime/reading/test_hub.py",),
    ),
    Bug(
        "rights changed while nobody looked",
        "rights",
        "A page that comes back is not told that its rights changed while it was away.",
        "nothing after the end of a right reaches the page",
        (
            Edit(
                "realtime/hub_core.py",
                "return told is None or any(\n            topic in event.topics",
                "return told is None and any(\n            topic in event.topics",
            ),
        ),
        ("tests/realtime/reading/test_revocation.py",),
    ),
    Bug(
        "history before registration",
        "replay",
        "What comes while a channel reads its history is not kept for it.",
        "nothing falls between history and what is live",
        (
            Edit(
                "realtime/subscription.py",
                "        self.buffer.append(event)\n        return True\n",
                "        return True\n",
            ),
        ),
        ("tests/realtime/test_subscription.py", "tests/realtime/reading/test_replay.py"),
    ),
    Bug(
        "history is told twice",
        "replay",
        "What was read as history and offered meanwhile goes out again.",
        "a page hears each event once",
        (
            Edit(
                "realtime/subscription.py",
                "heard = event.seq > self.position and self.rights.may_hear(event, now)",
                "heard = self.rights.may_hear(event, now)",
            ),
        ),
        ("tests/realtime/test_subscription.py", "tests/realtime/reading/test_replay.py"),
    ),
    Bug(
        "history is judged when it is read",
        "rights",
        "What was read of a history goes out as the peer takes it, whatever became of the right.",
        "nothing after the end of a right reaches the page",
        (
            Edit(
                "realtime/history.py",
                '        await failpoint("history.read")\n'
                "        for piece in page.pieces(AT_ONCE):\n"
                "            heard = await _judged(hub, reader, subscription, piece)\n",
                "        page = await _judged(hub, reader, subscription, page)\n"
                '        await failpoint("history.read")\n'
                "        for heard in page.pieces(AT_ONCE):\n",
            ),
        ),
        ("tests/realtime/reading/test_revocation.py", "-k", "not_sent_yet"),
    ),
    Bug(
        "a truncated history passes for a whole one",
        "replay",
        "A cursor older than what is kept is served from what is left.",
        "a page that cannot be brought up to date says so",
        (
            Edit(
                "realtime/replay.py",
                '    if since.seq < oldest - 1:\n        raise Truncated("the history is no longer'
                ' kept")\n',
                "",
            ),
        ),
        ("tests/realtime/reading/test_replay.py", "tests/realtime/reading/test_polling.py"),
    ),
    Bug(
        "the cursor of a poll runs ahead",
        "polling",
        "After the first page of a long history the cursor stands beyond what was told.",
        "polling tells the same events as the socket",
        (
            Edit(
                "realtime/replay.py",
                "events[-1].seq if len(events) == limit else min(head, last)",
                "head",
            ),
        ),
        ("tests/realtime/reading/test_polling.py", "tests/realtime/reading/test_replay.py"),
    ),
    Bug(
        "a poll forgets deletions",
        "polling",
        "The fallback leaves out what was deleted.",
        "polling tells the same events as the socket",
        (
            Edit(
                "realtime/polling.py",
                "            match = bindings.match(event)\n",
                '            if event.operation == "DELETE":\n                continue\n'
                "            match = bindings.match(event)\n",
            ),
        ),
        ("tests/realtime/reading/test_differential.py",),
    ),
)
