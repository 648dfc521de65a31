"""Every write of this app, behind its door."""

from appointments.actions.booking import book_visit
from appointments.actions.changing import (
    answer_questions,
    can_check_in,
    cancel_visit,
    check_in,
    confirm_visit,
    may_still_cancel,
    move_visit,
)
from appointments.actions.day import (
    block_time,
    claim_visit,
    let_go,
    move_day,
    record_arrival,
    record_done,
    record_no_show,
    reopen_visit,
    say_late,
    unblock_time,
)
from appointments.actions.holding import (
    book_held,
    check_movable,
    hold_time,
    live_hold,
    release_hold,
)
from appointments.actions.waitlist import (
    accept_offer,
    decline_offer,
    join_waitlist,
    leave_waitlist,
)
from appointments.actions.wishes import (
    allow_time_and_place,
    allows_time_and_place,
    live_feed,
    make_feed,
    revoke_feed,
    withdraw_time_and_place,
)

__all__ = [
    "accept_offer",
    "allow_time_and_place",
    "allows_time_and_place",
    "answer_questions",
    "block_time",
    "book_held",
    "book_visit",
    "can_check_in",
    "cancel_visit",
    "check_in",
    "check_movable",
    "claim_visit",
    "confirm_visit",
    "decline_offer",
    "hold_time",
    "join_waitlist",
    "leave_waitlist",
    "let_go",
    "live_feed",
    "live_hold",
    "make_feed",
    "may_still_cancel",
    "move_day",
    "move_visit",
    "record_arrival",
    "record_done",
    "record_no_show",
    "release_hold",
    "reopen_visit",
    "revoke_feed",
    "say_late",
    "unblock_time",
    "withdraw_time_and_place",
]
