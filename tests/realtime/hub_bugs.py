"""Bugs that the model of the hub has to find: a checker that has never failed proves nothing.

Each takes a monkeypatch and breaks one promise of the reading side.
"""

from realtime import close_codes
from realtime.hub_core import HubCore
from realtime.readers import Readers
from realtime.rights import Rights
from realtime.ring import Ring
from realtime.subscription import State, Subscription
from tests.realtime.hub_world import USERS


def no_buffer(patch):
    offer = Subscription.offer
    patch.setattr(Subscription, "offer", lambda self, event: not self.is_live or offer(self, event))


def no_deduplication(patch):
    patch.setattr(Subscription, "position", property(lambda _: -1, lambda *_: None))


def no_gap_check(patch):
    def receive(self, epoch, first, events, now):
        for event in events:
            if event.seq > self.seq:
                self._take(event, now)
        return True

    patch.setattr(HubCore, "receive", receive)


def any_epoch(patch):
    receive = HubCore.receive
    patch.setattr(HubCore, "receive", lambda self, epoch, *rest: receive(self, self.epoch, *rest))


def the_log_is_never_another(patch):
    read = HubCore.read

    def read_on(self, *, epoch, **snapshot):
        read(self, epoch=self.epoch, **snapshot)

    patch.setattr(HubCore, "read", read_on)


def dropped_history_is_skipped(patch):
    read = HubCore.read
    patch.setattr(
        HubCore, "read", lambda self, *, oldest, **snapshot: read(self, oldest=0, **snapshot)
    )


def no_hold(patch):
    patch.setattr(Rights, "held", property(lambda self: not self.was_known, lambda *_: None))


def control_events_are_late(patch):
    """The rights are asked for, but what comes before the answer goes out by the old ones."""
    patch.setattr(
        HubCore,
        "_control",
        lambda self, event: [
            self.effects.recompute(reader)
            for user in USERS
            for reader in self.readers.of_user(user, event.organization_id)
            if f"user:{user}" in event.topics
        ],
    )


def nothing_is_kept_for_the_held(patch):
    audience = HubCore._tell

    def tell(self, readers, event):
        audience(self, [reader for reader in readers if not reader.rights.held], event)

    patch.setattr(HubCore, "_tell", tell)


def what_waited_is_not_judged(patch):
    patch.setattr(Rights, "may_hear", lambda self, event, now: not self.held)


def stale_answers_count(patch):
    granted = HubCore.granted
    patch.setattr(
        HubCore,
        "granted",
        lambda self, reader, asked, *rest: granted(self, reader, reader.rights.asked, *rest),
    )


def arrival_forgets_what_was_missed(patch):
    arrive = HubCore.arrive
    patch.setattr(HubCore, "arrive", lambda self, peer, _: arrive(self, peer, self.seq))


def live_too_early(patch):
    drain = Subscription.drain

    def drain_some(self, now, most=None):
        done = drain(self, now, most)
        if self.state is not State.CLOSED:
            self.state = State.LIVE
        return done

    patch.setattr(Subscription, "drain", drain_some)


def forgetful_release(patch):
    patch.setattr(
        Subscription,
        "drain",
        lambda self, now, most=None: (
            self.buffer.clear(),
            setattr(self, "state", State.LIVE),
            True,
        )[-1],
    )


def the_ring_never_forgets(patch):
    after = Ring.after
    patch.setattr(
        Ring, "after", lambda self, seq, tables=None: after(self, max(seq, self.floor), tables)
    )


def who_hears_is_found_once(patch):
    patch.setattr(Readers, "_forget_rolls", lambda self: None)


def the_held_stay_on_the_roll(patch):
    hold = Readers.hold

    def keep(self, reader):
        rolls = dict(self._rolls)
        hold(self, reader)
        self._rolls.update(rolls)

    patch.setattr(Readers, "hold", keep)


def who_reads_history_is_ready(patch):
    patch.setattr(Subscription, "is_live", property(lambda self: not self.is_closed))


def positions_run_ahead(patch):
    patch.setattr(HubCore, "position_of", lambda self, subscription: self.seq)


def a_slow_page_is_left_alone(patch):
    drop = HubCore.drop

    def keep(self, peer, code, reason):
        if code != close_codes.OVERFLOW:
            drop(self, peer, code, reason)

    patch.setattr(HubCore, "drop", keep)


def the_clock_is_not_looked_at(patch):
    patch.setattr(HubCore, "keep_time", lambda self, now: None)


SEEDED = [
    the_clock_is_not_looked_at,
    no_buffer,
    no_deduplication,
    no_gap_check,
    any_epoch,
    the_log_is_never_another,
    dropped_history_is_skipped,
    no_hold,
    control_events_are_late,
    nothing_is_kept_for_the_held,
    what_waited_is_not_judged,
    stale_answers_count,
    arrival_forgets_what_was_missed,
    live_too_early,
    forgetful_release,
    the_ring_never_forgets,
    who_hears_is_found_once,
    the_held_stay_on_the_roll,
    who_reads_history_is_ready,
    positions_run_ahead,
    a_slow_page_is_left_alone,
]
