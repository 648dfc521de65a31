"""The hub and its subscriptions as machines: every order of commits, bus, rights and readers.

The model is a small world: writers commit into an inbox, a sequencer numbers, a bus loses, doubles
and reorders, rights are given and taken, history is dropped, the log is replaced by another, pages
come and go and read slowly. Four promises are checked at every step and once all has settled:

    I1  lost = 0      what a page was entitled to has reached it, or it was told to fetch all again
    I2  doubled = 0   no page is sent an event it has
    I3  order         positions only grow
    I4  leaked = 0    no event after a revocation reaches the revoked
"""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from realtime import bindings, close_codes
from realtime.authority import Identity
from realtime.event import Event
from realtime.hub_core import HubCore
from realtime.rights import Rights
from realtime.ring import Ring

NOW = 1_000.0  # and from there on
AT = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = {"notes": SimpleNamespace(columns={"id": "uuid"})}
NOTES = bindings.parse([{"event": "*", "schema": "public", "table": "notes"}], TABLES)
USERS = ("ana", "ada")
TOPICS = ("patient:1", "patient:2", "tenant:x")
ORGANIZATION = "harbour"
WHICH = st.integers(0, 3)
LUCK = st.integers(0, 3)  # accidents happen at 0


def an_event(seq, topics=("patient:1",), kind="change", **values):
    return Event(
        **{
            "seq": seq,
            "topics": tuple(topics),
            "kind": kind,
            "table": "notes",
            "operation": "INSERT",
            "organization_id": ORGANIZATION,
            "created_at": AT,
            "record": {"id": seq},
        }
        | values
    )


class Page:
    """A page with one channel on one socket: the hub's peer and the subscription's outlet."""

    def __init__(self, world, user):
        self.world = world
        self.identity = world.sign_in(user)
        self.subscriptions = set()
        self.subscription = None
        self.asked_at = None
        self.received = []
        self.epoch, self.cursor = world.epoch, world.head  # as rendered
        self.known_at = world.step  # everything committed before was on the page
        self.reads = True
        self.closed = None
        self.history_at = None
        self.polls = 0  # how often it asked instead of listening

    # Outlet

    def event(self, event):
        assert self.closed is None, "sent after the end"
        self.world.check_sent(self, event)
        if not self.reads:
            return False
        self.received.append(event.seq)
        self.cursor = event.seq
        return True

    def history(self, events):
        return all(self.event(event) for event in events)

    def resync(self, reason):
        if not self.reads:
            return False
        # The page fetches everything, and sees all that is committed by now.
        self.known_at = self.world.step
        return True

    def waits_to_join(self):
        return self.asked_at is not None and self.subscription is None and self.closed is None

    def reads_history(self):
        return self.subscription is not None and self.history_at is not None

    def may_drain(self):
        return (
            self.subscription is not None
            and self.history_at is None
            and not self.subscription.is_live
        )

    # Peer

    def close(self, code, reason):
        assert not self.subscriptions
        self.closed = code
        self.subscription = None


class World(RuleBasedStateMachine):
    """The truth, and the core that has to live up to it."""

    @initialize()
    def begin(self):
        self.step = 0
        self.now = NOW
        self.epoch, self.head, self.oldest = "e0", 0, 1
        self.inbox, self.log, self.bus = [], {}, []
        self.committed_at = {}
        self.granted_since = {("ana", "patient:1"): 0} | {(user, "tenant:x"): 0 for user in USERS}
        self.sessions = 0
        self.ended = set()
        self.logs = {}  # by epoch: a hub may still live in an old one
        self.begin_log({})
        self.questions, self.asked = [], []
        self.snapshots = []
        self.pages = []
        self.core = HubCore(self, ring=Ring(size=4))
        self.core.start(self.epoch, self.head)

    def recompute(self, reader):
        if reader not in self.questions:
            self.questions.append(reader)

    def tell(self, event, roll):
        for subscription in roll.ready:
            if not subscription.outlet.event(event):
                self.core.drop(subscription.peer, close_codes.OVERFLOW, "resync")

    def failed(self, error):
        # Promises are held against what reaches a page where it arrives.
        raise error

    # What is true ----------------------------------------------------------------------------

    def granted(self, user):
        return {topic for who, topic in self.granted_since if who == user}

    def begin_log(self, told):
        """Remember what a log has told, also where it is dropped, and rights by position."""
        self.logs[self.epoch] = SimpleNamespace(
            told=told, rights={user: [(0, self.granted(user))] for user in USERS}, ends={}
        )

    @property
    def told(self):
        return self.logs[self.epoch].told

    def check_sent(self, page, event):
        user, log = page.identity.user_id, self.logs[self.core.epoch]
        assert log.told.get(event.seq) is event, f"not in the log: {event}"
        end = log.ends.get(page.identity.session)
        assert end is None or event.seq <= end, f"leaked to an ended session: {event}"  # I4
        assert not self.is_late(page), f"leaked after the session's last moment: {event}"  # I4
        assert event.seq > page.cursor, f"doubled or out of order: {event}"  # I2, I3
        # A right of then, or one given since and not known to be taken again.
        then = max(since for since, _ in log.rights[user] if since <= event.seq)
        since_then = [topics for since, topics in log.rights[user] if since >= then]
        # What a log says that has taken this one's place, the hub cannot know yet.
        for epoch, other in self.logs.items():
            if int(epoch[1:]) > int(self.core.epoch[1:]):
                since_then += [topics for _, topics in other.rights[user]]
        entitled = self.granted(user).union(*since_then)
        assert entitled & set(event.topics), f"leaked to {user}: {event}"  # I4

    def owed(self, page, upto):
        """The events that the page must have by a position."""
        user = page.identity.user_id
        return [
            event.seq
            for event in self.told.values()
            if event.kind == "change"
            and event.seq <= upto
            and self.committed_at[event.seq] > page.known_at
            and any(
                self.granted_since.get((user, topic), 1 << 60) <= self.committed_at[event.seq]
                for topic in event.topics
            )
        ]

    def check_told(self, page, upto):
        missing = set(self.owed(page, upto)) - set(page.received)
        assert not missing, f"lost on {page.identity.user_id}: {sorted(missing)}"  # I1

    # Writers, sequencer, bus -----------------------------------------------------------------

    def tick(self):
        self.step += 1

    @rule(topics=st.sets(st.sampled_from(TOPICS), min_size=1, max_size=2))
    def commit(self, topics):
        self.tick()
        self.inbox.append((self.step, {"topics": sorted(topics)}))

    @rule()
    def commit_what_cannot_be_told(self):
        self.tick()
        self.inbox.append((self.step, {"topics": (), "kind": "resync"}))

    @rule(user=st.sampled_from(USERS), topic=st.sampled_from(TOPICS[:2]))
    def give_or_take(self, user, topic):
        """A right is given or taken; the transaction writes the control event too."""
        self.tick()
        if topic == "tenant:x":
            return
        if self.granted_since.pop((user, topic), None) is None:
            self.granted_since[user, topic] = self.step
        self.inbox.append(
            (
                self.step,
                {
                    "topics": (f"user:{user}",),
                    "kind": "control",
                    "operation": "grants",
                    "rights": (user, self.granted(user)),
                },
            )
        )

    def sign_in(self, user):
        self.sessions += 1
        ends = datetime.fromtimestamp(self.now + 1, UTC) if self.sessions % 4 == 2 else None
        return Identity(user, ORGANIZATION, f"session {self.sessions}", expires_at=ends)

    def is_late(self, page):
        """Whether the page's session has passed its last moment."""
        ends = page.identity.expires_at
        return ends is not None and ends.timestamp() <= self.now

    def is_over(self, page):
        """Whether the page's session has ended, by a sign-out or by the clock."""
        return self.is_late(page) or page.identity.session in self.ended

    @rule(luck=LUCK)
    def time_passes(self, luck):
        """Nobody tells the hub; it has to look at the clock."""
        if not luck:
            self.now += 1

    @precondition(lambda self: any(page.identity.expires_at for page in self.pages))
    @rule(topics=st.sets(st.sampled_from(TOPICS), min_size=1))
    def a_session_runs_out_and_more_happens(self, topics):
        self.now += 1
        self.all_goes_well(topics)

    @precondition(lambda self: self.pages)
    @rule(which=st.integers(0, 3))
    def sign_out(self, which):
        page = self.pages[which % len(self.pages)]
        if page.identity.session in self.ended:
            return
        self.tick()
        self.ended.add(page.identity.session)
        self.inbox.append(
            (
                self.step,
                {
                    "topics": (f"user:{page.identity.user_id}",),
                    "kind": "control",
                    "operation": "session_ended",
                    "record": {"session": page.identity.session},
                },
            )
        )

    @precondition(lambda self: self.inbox)
    @rule(most=st.integers(1, 3), told=st.booleans())
    def sequence(self, most, told):
        taken, self.inbox = self.inbox[:most], self.inbox[most:]
        events = []
        for step, values in taken:
            self.head += 1
            values = dict(values)
            if rights := values.pop("rights", None):
                self.logs[self.epoch].rights[rights[0]].append((self.head, rights[1]))
            event = an_event(self.head, **values)
            if event.operation == "session_ended":
                self.logs[self.epoch].ends[event.record["session"]] = self.head
            self.log[self.head] = self.told[self.head] = event
            self.committed_at[self.head] = step
            events.append(event)
        if told:
            self.bus.append((self.epoch, events[0].seq, events))

    @precondition(lambda self: self.bus)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data, keep):
        """Any message, perhaps not for the last time."""
        message = data.draw(st.sampled_from(self.bus))
        if not keep:
            self.bus.remove(message)
        self.core.receive(*message, self.now)

    @rule(topics=st.sets(st.sampled_from(TOPICS), min_size=1, max_size=1))
    def all_goes_well(self, topics):
        """What is usual: one more event, all is numbered, told in order and heard."""
        self.commit(topics)
        self.all_is_heard()

    def all_is_heard(self):
        while self.inbox:
            self.sequence(most=3, told=True)
            self.core.receive(*self.bus.pop(), self.now)

    @rule(user=st.sampled_from(USERS), topic=st.sampled_from(TOPICS[:2]))
    def give_or_take_and_hear(self, user, topic):
        self.give_or_take(user, topic)
        self.all_is_heard()

    @precondition(lambda self: self.pages)
    @rule(which=WHICH)
    def sign_out_and_hear(self, which):
        self.sign_out(which)
        self.all_is_heard()

    @precondition(lambda self: self.bus)
    @rule()
    def lose(self):
        self.bus.pop(0)

    @precondition(lambda self: self.core.seq < self.head)
    @rule()
    def look_and_read(self):
        self.look(limit=3)
        self.core.read(**self.snapshots.pop(), now=self.now)

    # The log is read: the answer may arrive later than it was true -----------------------------

    @rule(limit=st.integers(1, 3))
    def look(self, limit):
        after = self.core.seq if self.core.epoch == self.epoch else 0
        rows = [self.log[seq] for seq in sorted(self.log) if seq > after]
        self.snapshots.append(
            {
                "epoch": self.epoch,
                "oldest": self.oldest,
                "head": self.head,
                "events": rows[:limit],
                "asked_after": self.core.seq,
                "is_whole": len(rows) <= limit,
            }
        )

    @precondition(lambda self: self.snapshots)
    @rule()
    def read(self):
        snapshot = self.snapshots.pop(0)
        self.core.read(**snapshot, now=self.now)

    # Rights are read: likewise -----------------------------------------------------------------

    @precondition(lambda self: self.questions)
    @rule()
    def ask_for_rights(self):
        reader = self.questions.pop(0)
        grants = dict.fromkeys(self.granted(reader.rights.user_id))
        self.asked.append((reader, reader.rights.asked, grants))

    @precondition(lambda self: self.asked)
    @rule(topic=st.sampled_from(TOPICS[:2]))
    def answer_of_before(self, topic):
        """Rights change again between the reading of them and the answer."""
        reader, _, grants = self.asked[0]
        self.give_or_take(
            reader.rights.user_id, next((each for each in grants if each != "tenant:x"), topic)
        )
        self.all_is_heard()
        self.answer()

    @precondition(lambda self: self.pages)
    @rule(which=WHICH, topic=st.sampled_from(TOPICS[:2]))
    def rights_change_while_they_are_read(self, which, topic):
        user = self.pages[which % len(self.pages)].identity.user_id
        self.give_or_take_and_hear(user, topic)
        while self.questions:
            self.ask_for_rights()
        self.give_or_take_and_hear(user, topic)
        while self.asked:
            self.answer()
        self.all_goes_well({topic})

    @precondition(lambda self: self.asked)
    @rule()
    def answer(self):
        reader, asked, grants = self.asked.pop(0)
        if not self.core.granted(reader, asked, grants, self.now):
            self.recompute(reader)

    @precondition(lambda self: self.asked)
    @rule(luck=LUCK)
    def no_answer(self, luck):
        if luck:
            return
        reader, _, _ = self.asked.pop(0)
        self.core.refused(reader, close_codes.TRY_AGAIN, "try again")

    # Pages -----------------------------------------------------------------------------------

    def one_of(self, which, condition):
        """Some page that meets a condition, if there is any."""
        found = [page for page in self.pages if condition(page)]
        return found[which % len(found)] if found else None

    @precondition(lambda self: len(self.pages) < 4)
    @rule(user=st.sampled_from(USERS))
    def open_page(self, user):
        self.tick()
        self.pages.append(Page(self, user))

    @precondition(lambda self: len(self.pages) < 4)
    @rule(user=st.sampled_from(USERS))
    def open_page_and_go_live(self, user):
        """What is usual: nothing comes between."""
        self.open_page(user)
        page = self.pages[-1]
        self.settle_page(page)
        self.settle_rights()

    @precondition(lambda self: len(self.pages) < 4)
    @rule(user=st.sampled_from(USERS), topics=st.sets(st.sampled_from(TOPICS), min_size=1))
    def sign_out_between_handshake_and_arrival(self, user, topics):
        self.open_page(user)
        page = self.pages[-1]
        with self.alone(page):
            self.connect(0)
        self.sign_out_and_hear(len(self.pages) - 1)
        with self.alone(page):
            self.join(0)
        self.settle_rights()
        self.all_goes_well(topics)

    @precondition(lambda self: len(self.pages) < 4)
    @rule(user=st.sampled_from(USERS), topics=st.sets(st.sampled_from(TOPICS), min_size=1))
    def open_page_in_a_storm(self, user, topics):
        """More comes between its history and its going live than is sent in one go."""
        self.open_page(user)
        self.settle_history(self.pages[-1])
        for _ in range(3):
            self.all_goes_well(topics)

    @rule(which=WHICH)
    def connect(self, which):
        page = self.one_of(which, lambda page: page.asked_at is None)
        if page is not None:
            if self.is_over(page):
                page.identity = self.sign_in(page.identity.user_id)
            page.closed = None
            # Identified now, arriving later.
            page.asked_at = self.core.seq

    @rule(which=WHICH)
    def join(self, which):
        page = self.one_of(which, Page.waits_to_join)
        if page is None:
            return
        self.core.arrive(page, page.asked_at)
        if page.closed is None:
            page.subscription = self.core.subscribe(page, NOTES, page)
            page.history_at = page.cursor
            page.registered_at = page.subscription.position
            page.subscription.begin(page.cursor)
            if page.epoch != self.core.epoch or page.cursor > self.core.seq:
                self.resynced(page)

    def resynced(self, page):
        if not page.resync("another log"):
            self.core.drop(page, close_codes.OVERFLOW, "resync")
            return
        page.subscription.begin(page.registered_at)
        page.epoch, page.cursor = self.core.epoch, page.registered_at
        page.history_at = None

    @rule(which=WHICH, limit=st.integers(1, 3))
    def replay(self, which, limit):
        """A page of history: one snapshot, under the rights of that moment."""
        page = self.one_of(which, Page.reads_history)
        if page is None:
            return
        self.core.keep_time(self.now)
        if page.closed is not None:
            return
        if page.identity.session in self.ended and self.core.ring.after(page.history_at) is None:
            self.core.drop(page, close_codes.SIGNED_OUT, "signed out")
            return
        rows, rights, head = self.history(page)
        if rows is None:
            self.resynced(page)
            return
        rows = [event for event in rows if event.kind != "control"][:limit]
        found = [event for event in rows if rights.may_hear(event, self.now)]
        if not page.subscription.replay(found):
            self.core.drop(page, close_codes.OVERFLOW, "resync")
            return
        is_last = len(rows) < limit
        page.subscription.caught_up(head if is_last else rows[-1].seq)
        page.history_at = None if is_last else rows[-1].seq

    def history(self, page):
        """What follows a page's cursor: from memory, else from the log under today's rights."""
        recent, rights = self.core.ring.after(page.history_at), page.subscription.rights
        if recent is not None and not rights.held:
            return recent, rights, self.core.seq
        if page.history_at < self.oldest - 1 or self.epoch != page.epoch:
            return None, None, None
        rights = Rights(ORGANIZATION, page.identity.user_id)
        rights.release(dict.fromkeys(self.granted(page.identity.user_id)))
        return (
            [self.log[seq] for seq in sorted(self.log) if seq > page.history_at],
            rights,
            self.head,
        )

    @rule(which=WHICH, most=st.integers(1, 2))
    def drain(self, which, most):
        self.core.keep_time(self.now)
        page = self.one_of(which, Page.may_drain)
        if page is not None and not page.subscription.drain(self.now, most):
            self.core.drop(page, close_codes.OVERFLOW, "resync")

    @rule(which=WHICH)
    def tell_position(self, which):
        page = self.one_of(which, lambda page: page.subscription is not None)
        if page is not None and page.epoch == self.core.epoch == self.epoch:
            upto = self.core.position_of(page.subscription)
            self.check_told(page, upto)
            page.cursor = max(page.cursor, upto)

    @precondition(lambda self: any(page.asked_at is None for page in self.pages))
    @rule(which=WHICH)
    def poll(self, which):
        """A page without a socket asks: one snapshot of the log, under the rights of now."""
        page = self.one_of(which, lambda page: page.asked_at is None)
        page.polls += 1
        if self.is_over(page):
            page.identity = self.sign_in(page.identity.user_id)
            return  # 401: the page is left, and comes back signed in
        if page.epoch != self.epoch or not self.oldest - 1 <= page.cursor <= self.head:
            page.epoch, page.cursor, page.known_at = self.epoch, self.head, self.step
            return
        rights = Rights(ORGANIZATION, page.identity.user_id)
        rights.release(dict.fromkeys(self.granted(page.identity.user_id)))
        for seq in sorted(seq for seq in self.log if seq > page.cursor):
            event = self.log[seq]
            if event.kind == "resync":
                page.known_at = self.step
            elif event.kind == "change" and rights.may_hear(event, self.now):
                page.received.append(seq)
        page.cursor = self.head
        self.check_told(page, self.head)

    @rule(which=WHICH, luck=LUCK)
    def go_away(self, which, luck):
        page = self.one_of(which, lambda page: page.asked_at is not None)
        if page is not None and not luck:
            self.leave(page)

    def leave(self, page):
        self.core.depart(page)
        page.asked_at = page.subscription = page.history_at = None
        page.reads = True

    @precondition(lambda self: self.pages)
    @rule(which=WHICH, luck=LUCK)
    def stop_reading(self, which, luck):
        if not luck:
            self.pages[which % len(self.pages)].reads = False

    # The world changes -----------------------------------------------------------------------

    @precondition(lambda self: self.head >= self.oldest)
    @rule(share=st.integers(1, 3), luck=LUCK)
    def drop_history(self, share, luck):
        if luck:
            return
        self.oldest = min(self.head + 1, self.oldest + share)
        self.log = {seq: event for seq, event in self.log.items() if seq >= self.oldest}

    @rule(luck=LUCK)
    def drop_what_the_hub_has_not_seen(self, luck):
        if luck:
            return
        for _ in range(3):
            self.commit({"tenant:x"})
        while self.inbox:
            self.sequence(most=3, told=False)
        self.drop_history(share=len(self.log), luck=0)
        self.look_and_read()

    @precondition(lambda self: self.head > 1)
    @rule(luck=LUCK)
    def restore_an_older_log(self, luck):
        """The log loses its tail and gets another epoch; numbers are given out again."""
        if luck:
            return
        self.tick()
        told = {seq: event for seq, event in self.told.items() if seq < self.head}
        self.epoch = f"e{int(self.epoch[1:]) + 1}"
        self.head -= 1
        # Rights are read from the tables, not from the log: they are what they were.
        self.begin_log(told)
        self.oldest = min(self.oldest, self.head + 1)
        self.log = {seq: event for seq, event in self.log.items() if seq <= self.head}
        self.committed_at = {seq: at for seq, at in self.committed_at.items() if seq <= self.head}

    # Always, and in the end ------------------------------------------------------------------

    @invariant()
    def a_closed_page_hears_nothing(self):
        for page in getattr(self, "pages", ()):
            if page.closed is not None:
                assert not page.subscriptions
                if page.asked_at is not None:
                    self.leave(page)
                    page.asked_at = None

    @invariant()
    def nothing_is_kept_of_who_left(self):
        if hasattr(self, "core"):
            here = {page.identity.user_id for page in self.pages if page.asked_at is not None}
            assert {reader.rights.user_id for reader in self.core.readers} <= here
            if not here:
                assert self.core.readers.topics == 0
                assert not self.core.readers.held

    def teardown(self):
        """Let everything settle: then nobody may miss anything."""
        if not hasattr(self, "core"):
            return
        while self.inbox:
            self.sequence(most=3, told=False)
        self.snapshots.clear()
        for _ in range(3):
            while self.core.epoch != self.epoch or self.core.seq < self.head:
                self.be_patient()
                self.look(limit=3)
                self.read()
            self.a_closed_page_hears_nothing()
            self.settle_rights()
            for page in self.pages:
                page.reads = True
                self.settle_page(page)
                self.settle_rights()
        for page in self.pages:
            assert page.subscription is not None
            assert page.subscription.is_live
            assert self.core.position_of(page.subscription) == self.head
            self.check_told(page, self.head)

    def settle_rights(self):
        while self.questions or self.asked:
            self.be_patient()
            if self.questions:
                self.ask_for_rights()
            self.answer()

    def settle_page(self, page):
        """Bring one page up to date, while nothing else happens."""
        self.settle_history(page)
        with self.alone(page):
            while page.subscription is not None and not page.subscription.is_live:
                self.be_patient()
                self.drain(0, most=2)

    def settle_history(self, page):
        """Have one page read its history, while nothing else happens."""
        if page.closed is not None:
            self.leave(page)
        with self.alone(page):
            if page.asked_at is None:
                self.connect(0)
            if page.subscription is None:
                self.join(0)
                self.settle_rights()
            while page.subscription is not None and page.history_at is not None:
                self.be_patient()
                self.replay(0, limit=3)

    @contextmanager
    def alone(self, page):
        others, self.pages = self.pages, [page]
        yield
        self.pages = others

    def be_patient(self):
        self.patience = getattr(self, "patience", 1_000) - 1
        assert self.patience, "does not settle"
