"""The nine invariants of the life cycle, one by one; and 100,000 lives in which none is silent."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from alerts import lifecycle
from alerts.errors import (
    AlertError,
    AlreadyAcknowledged,
    AlreadyClosed,
    NotAcknowledged,
    NoteMissing,
    PolicyUnusable,
    SnoozeRefused,
)
from alerts.escalation import Told, plan_of
from alerts.models.alert import Outcome, Phase
from alerts.models.record import AlertRecord
from alerts.models.severity import Severity
from alerts.models.step import StepKind

NOW = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
ADA, NOOR = uuid4(), uuid4()
MINUTE = timedelta(minutes=1)
Kind = AlertRecord.Kind


def a_plan(**changes):
    policy = {
        "steps": [
            {"wait": 0, "tell": "care_team"},
            {"wait": 5, "tell": "on_call", "who": str(uuid4())},
            {"wait": 5, "tell": "role", "who": "clinician"},
        ],
        "repeats": 1,
        "every": 10,
        "acknowledged_for": 30,
        "fallback_role": "nurse",
    }
    return plan_of(**(policy | changes))


PLAN = a_plan()


def critical(value="6.4", direction="high"):
    return lifecycle.raised(Severity.CRITICAL, direction, Decimal(value), PLAN, NOW).state


def urgent(value="6.4", direction="high"):
    return lifecycle.raised(Severity.URGENT, direction, Decimal(value), PLAN, NOW).state


def told(turn):
    return [target.kind.value for target in turn.tell]


# The policy -------------------------------------------------------------------------------------


def test_the_first_step_without_a_wait_is_taken_at_once():
    turn = lifecycle.raised(Severity.CRITICAL, "high", Decimal("6.4"), PLAN, NOW)
    assert told(turn) == ["care_team"]
    assert turn.state.next == lifecycle.Next(StepKind.TELL, NOW + 5 * MINUTE, 1)


def test_nobody_answering_goes_through_the_rounds_and_then_to_the_fallback_for_ever():
    state, now, path = critical(), NOW, []
    for _ in range(12):
        now = state.next.due_at
        turn = lifecycle.due(state, PLAN, now)
        path.append((told(turn)[0], (turn.state.next.due_at - now) / MINUTE))
        state = turn.state
    assert path[:5] == [
        ("on_call", 5),
        ("role", 10),
        ("care_team", 5),
        ("on_call", 5),
        ("role", 10),
    ]
    assert set(path[5:]) == {("role", 10)}


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": []},
        {"steps": [{"wait": -1, "tell": "care_team"}]},
        {"steps": [{"wait": 241, "tell": "care_team"}]},
        {"steps": [{"wait": 1, "tell": "everybody"}]},
        {"steps": [{"wait": 1, "tell": "role", "who": "patient"}]},
        {"steps": [{"wait": 1, "tell": "on_call", "who": "x"}]},
        {"steps": [{"tell": "care_team"}]},
        {"steps": [{"wait": "nan", "tell": "care_team"}]},
        {"every": 0},
        {"acknowledged_for": 0},
        {"every": 1441},
        {"acknowledged_for": 1441},
        {"steps": [{"wait": 1, "tell": "owner", "who": str(uuid4())}]},
        {"fallback_role": ""},
    ],
)
def test_a_policy_that_could_fall_silent_is_refused(changes):
    with pytest.raises(PolicyUnusable):
        a_plan(**changes)


def test_a_day_is_the_longest_rest():
    plan = a_plan(every=1440, acknowledged_for=1440)
    assert plan.every == plan.acknowledged_for == timedelta(hours=24)


# One by one -------------------------------------------------------------------------------------


def test_a_step_is_taken_when_it_is_due_and_not_before():
    state = critical()
    assert lifecycle.due(state, PLAN, NOW + 5 * MINUTE - timedelta(microseconds=1)) is None
    assert told(lifecycle.due(state, PLAN, NOW + 5 * MINUTE)) == ["on_call"]


def test_acknowledging_cancels_what_was_pending_and_holds_for_a_while():
    turn = lifecycle.acknowledged(critical(), PLAN, NOW, ADA, "On my way")
    assert turn.cancels
    assert turn.state.owner == ADA
    assert turn.state.next == lifecycle.Next(StepKind.EXPIRE, NOW + 30 * MINUTE)


def test_of_two_who_acknowledge_the_second_is_told_who():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    with pytest.raises(AlreadyAcknowledged) as refusal:
        lifecycle.acknowledged(state, PLAN, NOW, NOOR)
    assert refusal.value.owner_id == ADA
    assert lifecycle.acknowledged(state, PLAN, NOW, ADA).state.owner == ADA


def test_an_acknowledgement_that_expires_raises_again_and_tells_acker_and_on_call():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    turn = lifecycle.due(state, PLAN, NOW + 30 * MINUTE)
    assert turn.state.phase == Phase.OPEN
    assert turn.state.round == 1
    assert told(turn) == ["owner", "care_team", "on_call"]
    assert turn.tell[0].who == str(ADA)
    assert turn.entries[0].kind == Kind.EXPIRED


def test_acting_holds_it_longer_and_wants_a_line():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    with pytest.raises(NoteMissing):
        lifecycle.acted(state, PLAN, NOW, ADA, " ")
    later = lifecycle.acted(state, PLAN, NOW + 20 * MINUTE, ADA, "Gave calcium")
    assert later.state.next.due_at == NOW + 50 * MINUTE


def test_acting_on_what_nobody_has_acknowledged_acknowledges_it():
    turn = lifecycle.acted(critical(), PLAN, NOW, ADA, "Gave calcium")
    assert [entry.kind for entry in turn.entries] == [Kind.ACKNOWLEDGED, Kind.ACTED]
    assert turn.state.owner == ADA


def test_another_who_acts_does_not_take_it_away():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    assert lifecycle.acted(state, PLAN, NOW, NOOR, "Took blood").state.owner == ADA


def test_handing_over_asks_the_other_and_then_the_policy():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    turn = lifecycle.handed_over(state, PLAN, NOW, ADA, NOOR)
    assert [target.who for target in turn.tell] == [str(NOOR)]
    assert turn.state.phase == Phase.OPEN
    assert told(lifecycle.due(turn.state, PLAN, NOW + 5 * MINUTE)) == ["care_team"]


def test_escalating_by_hand_tells_the_next_now():
    turn = lifecycle.escalated(critical(), PLAN, NOW + MINUTE, ADA)
    assert told(turn) == ["on_call"]
    assert turn.state.next.position == 2


def test_who_holds_it_can_call_for_help():
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    turn = lifecycle.escalated(state, PLAN, NOW, ADA)
    assert turn.state.phase == Phase.OPEN
    assert told(turn) == ["on_call"]


@pytest.mark.parametrize(("severity", "most"), lifecycle.SNOOZE_AT_MOST.items())
def test_a_snooze_is_bounded(severity, most):
    state = lifecycle.raised(severity, "high", Decimal(7), PLAN, NOW).state
    assert lifecycle.snoozed(state, NOW, ADA, NOW + most, "In theatre").state.next.kind == "wake"
    for until in (NOW + most + timedelta(seconds=1), NOW, NOW - MINUTE):
        with pytest.raises(SnoozeRefused):
            lifecycle.snoozed(state, NOW, ADA, until, "In theatre")
    with pytest.raises(SnoozeRefused):
        lifecycle.snoozed(state, NOW, ADA, NOW + MINUTE, "")


@pytest.mark.parametrize(("direction", "worse", "better"), [("high", 7, 5), ("low", 2, 4)])
def test_a_worse_value_breaks_a_snooze_and_another_does_not(direction, worse, better):
    state = lifecycle.snoozed(
        critical("6" if direction == "high" else "3", direction), NOW, ADA, NOW + 30 * MINUTE, "x"
    ).state
    same = lifecycle.repeated(state, PLAN, NOW, Decimal(better))
    assert same.state.phase == Phase.SNOOZED
    assert not same.tell
    turn = lifecycle.repeated(state, PLAN, NOW, Decimal(worse))
    assert turn.state.phase == Phase.OPEN
    assert turn.tell


def test_a_snooze_ends_by_itself():
    state = lifecycle.snoozed(critical(), NOW, ADA, NOW + 30 * MINUTE, "In theatre").state
    turn = lifecycle.due(state, PLAN, NOW + 30 * MINUTE)
    assert turn.state.phase == Phase.OPEN
    assert told(turn) == ["care_team"]


def test_values_of_one_condition_are_counted_on_one_alert():
    state = critical("6.4")
    for value in ("6.6", "6.5", "7.1"):
        state = lifecycle.repeated(state, PLAN, NOW, Decimal(value)).state
    assert (state.count, state.worst, state.last) == (4, Decimal("7.1"), Decimal("7.1"))


def test_a_worse_value_tells_whoever_holds_it():
    state = lifecycle.acknowledged(critical("6.4"), PLAN, NOW, ADA).state
    turn = lifecycle.repeated(state, PLAN, NOW, Decimal("6.9"))
    assert [target.who for target in turn.tell] == [str(ADA)]
    assert turn.state.phase == Phase.ACKNOWLEDGED


def test_recovery_closes_urgent_with_its_reason_and_never_critical():
    ended = lifecycle.recovered(urgent(), NOW, Decimal("4.1"))
    assert ended.state.outcome == Outcome.RECOVERED
    assert ended.cancels
    still = lifecycle.recovered(critical(), NOW, Decimal("4.1"))
    assert still.state.phase == Phase.OPEN
    assert still.state.next == critical().next


def test_what_rested_on_a_wrong_value_says_so_and_closes():
    turn = lifecycle.corrected(critical(), NOW, ())
    assert turn.state.outcome == Outcome.WRONG_VALUE
    assert [entry.kind for entry in turn.entries] == [Kind.CORRECTED, Kind.CLOSED]


def test_with_other_values_left_it_goes_on_with_the_worst_of_them():
    state = lifecycle.repeated(critical("6.4"), PLAN, NOW, Decimal("9.9")).state
    turn = lifecycle.corrected(state, NOW, (Decimal("6.4"),))
    assert turn.state.phase == Phase.OPEN
    assert (turn.state.count, turn.state.worst) == (1, Decimal("6.4"))


def test_a_critical_alert_closes_only_after_somebody_acknowledged_it():
    with pytest.raises(NotAcknowledged):
        lifecycle.closed(critical(), NOW, ADA, Outcome.DONE)
    state = lifecycle.acknowledged(critical(), PLAN, NOW, ADA).state
    assert lifecycle.closed(state, NOW, ADA, Outcome.DONE).state.outcome == Outcome.DONE


def test_not_needed_wants_a_reason():
    with pytest.raises(NoteMissing):
        lifecycle.closed(urgent(), NOW, ADA, Outcome.NOT_NEEDED)


def test_nothing_happens_to_a_closed_alert():
    state = lifecycle.superseded(urgent(), NOW).state
    for act in (
        lambda: lifecycle.acknowledged(state, PLAN, NOW, ADA),
        lambda: lifecycle.repeated(state, PLAN, NOW, Decimal(9)),
        lambda: lifecycle.snoozed(state, NOW, ADA, NOW + MINUTE, "x"),
        lambda: lifecycle.closed(state, NOW, ADA, Outcome.DONE),
    ):
        with pytest.raises(AlreadyClosed):
            act()
    assert lifecycle.due(state, PLAN, NOW + timedelta(days=9)) is None


# All at once ------------------------------------------------------------------------------------

LIVES = 100_000


def a_policy(dice: random.Random):
    targets = [
        {"tell": "care_team"},
        {"tell": "role", "who": "nurse"},
        {"tell": "on_call", "who": str(UUID(int=7))},
    ]
    steps = [
        {"wait": dice.choice([0, 1, 5, 30]), **dice.choice(targets)}
        for _ in range(dice.randint(1, 4))
    ]
    return a_plan(
        steps=steps,
        repeats=dice.randint(0, 3),
        every=dice.choice([1, 10]),
        acknowledged_for=dice.choice([1, 30]),
    )


def an_event(dice: random.Random, state, plan, now):
    """Something that somebody, a laboratory or a clock does; None when it was refused."""
    who = dice.choice([ADA, NOOR])
    value = Decimal(dice.randint(1, 100))
    happening = dice.randrange(11)
    try:
        match happening:
            case 0 | 1:
                return lifecycle.repeated(state, plan, now, value)
            case 2:
                return lifecycle.recovered(state, now, value)
            case 3:
                left = tuple(Decimal(dice.randint(1, 100)) for _ in range(dice.randint(0, 2)))
                return lifecycle.corrected(state, now, left)
            case 4:
                return lifecycle.acknowledged(state, plan, now, who)
            case 5:
                return lifecycle.acted(state, plan, now, who, "done")
            case 6:
                return lifecycle.handed_over(state, plan, now, who, dice.choice([ADA, NOOR]))
            case 7:
                return lifecycle.escalated(state, plan, now, who)
            case 8:
                until = now + dice.choice([-1, 1, 60, 61]) * MINUTE
                return lifecycle.snoozed(state, now, who, until, "later")
            case 9:
                return lifecycle.closed(state, now, who, Outcome.DONE)
            case _:
                return lifecycle.due(state, plan, now)
    except AlertError:
        return None


def must_hold(before, turn, plan, now):
    state = turn.state
    if state.severity is Severity.NOTICE:
        return
    if state.is_closed:
        assert state.next is None
        if state.severity is Severity.CRITICAL:
            assert state.outcome is not Outcome.RECOVERED
            assert state.outcome is Outcome.WRONG_VALUE or before.phase is Phase.ACKNOWLEDGED
        return
    assert state.next is not None
    patience = max(
        plan.longest_silence,
        plan.acknowledged_for,
        lifecycle.HAND_OVER_PATIENCE,
        lifecycle.SNOOZE_AT_MOST[state.severity],
    )
    assert state.next.due_at <= now + patience
    assert (state.owner is None) == (state.phase is Phase.OPEN)


def test_of_a_hundred_thousand_alerts_none_is_silent():
    """Whatever happened: from then on a clock that only takes due steps tells somebody in time."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    for life in range(LIVES):
        plan = a_policy(dice) if life % 100 == 0 else plan  # noqa: F821  # made by the first life
        severity = Severity.CRITICAL if dice.random() < 0.7 else Severity.URGENT
        now = NOW
        turn = lifecycle.raised(
            severity, dice.choice(["high", "low"]), Decimal(dice.randint(1, 100)), plan, now
        )
        must_hold(replace(turn.state, phase=Phase.OPEN), turn, plan, now)
        state = turn.state
        for _ in range(dice.randint(0, 8)):
            now += dice.choice([0, 1, 7, 45]) * MINUTE
            if state.is_closed:
                break
            turn = an_event(dice, state, plan, now)
            if turn is not None:
                must_hold(state, turn, plan, now)
                state = turn.state
        # From here on nobody answers.
        for _ in range(3):
            if state.is_closed:
                break
            now = max(now, state.next.due_at)
            turn = lifecycle.due(state, plan, now)
            assert turn is not None, f"seed {seed}"
            must_hold(state, turn, plan, now)
            state = turn.state
            if turn.tell:
                break
        else:
            raise AssertionError(f"nobody was told: seed {seed}, life {life}")
        assert state.is_closed or Told(turn.tell[0].kind)
