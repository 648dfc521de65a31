"""The checker of critical alerts is shown a good history, and one lie for each promise."""

from dataclasses import replace

import pytest

from tests.faults.ward.facts import Alert, Event, Finding, Pressed, Promise, Ward
from tests.faults.ward.history import check

# The nurse at once, the clinicians after 15 s; each at most a minute behind its time.
PROMISE = Promise(waits=(0, 15), late=60)


def told(at, user="noor", step="one"):
    return Event("a", "told", at, user, step)


def taken(at, user="noor", until=2_000.0):
    return Event("a", "acknowledged", at, user, until=until)


def ward(*events, phase="open", owner=None, pressed=(), ended=1_000.0, alerts=1):
    """A finding that came at 100, and what became of it."""
    return Ward(
        [Finding("f", "ana", 100.0)],
        [Alert(f"a{'' if n == 0 else n}", "ana", phase, owner) for n in range(alerts)],
        events,
        pressed,
        ended,
    )


ANSWERED = ward(
    told(101), Event("a", "seen", 103, "noor"), taken(105), phase="acknowledged", owner="noor",
    pressed=[Pressed("noor", "a", "seen"), Pressed("noor", "a", "acknowledged")],
)  # fmt: skip
ESCALATED = ward(told(101), told(117, "ada", "two"), told(117, "boris", "two"))


def test_what_was_answered_in_time_is_well():
    report = check(ANSWERED, PROMISE)
    assert report.wrong == {}
    assert report.counts["acknowledged"] == report.counts["seen"] == 1
    assert report.counts["escalated"] == 0


def test_what_was_escalated_in_time_is_well():
    report = check(ESCALATED, PROMISE)
    assert report.wrong == {}
    assert report.counts["escalated"] == 1
    assert report.figures["telling 2 behind its time"]["most"] == 1


def test_what_is_not_due_yet_is_well():
    assert check(ward(told(101), ended=170), PROMISE).wrong == {}
    assert (
        check(replace(ANSWERED, alerts=[], events=[], pressed=[], ended=150), PROMISE).wrong == {}
    )


def test_one_person_may_say_twice_that_they_have_it():
    again = replace(ANSWERED, events=[*ANSWERED.events, taken(106)])
    assert check(again, PROMISE).wrong == {}


EXPIRED = Event("a", "expired", 160, "noor")


def and_also(history, *events):
    return replace(history, events=[*history.events, *events])


@pytest.mark.parametrize(
    ("kind", "said", "lie"),
    [
        ("silent", "never raised", ward(alerts=0)),
        ("silent", "telling 1 of alert a never came", ward()),
        ("silent", "telling 2 of alert a never came", ward(told(101))),
        (
            "silent",
            "ran out unnoticed",
            ward(told(101), taken(105, until=150), phase="acknowledged", owner="noor"),
        ),
        ("late", "telling 1 of alert a by 5.0 s", ward(told(165), told(181, "ada", "two"))),
        ("late", "telling 2 of alert a by 4.0 s", ward(told(101), told(180, "ada", "two"))),
        (
            "late",
            "never came, and the answer late",
            ward(told(101), taken(190), phase="acknowledged", owner="noor"),
        ),
        (
            "doubled",
            "raised 2 times",
            replace(ANSWERED, alerts=[*ANSWERED.alerts, Alert("b", "ana", "open")]),
        ),
        (
            "doubled",
            "acknowledged by two",
            ward(told(101), taken(105), taken(106, "ada"), phase="acknowledged", owner="ada"),
        ),
        ("doubled", "told twice by one step", and_also(ESCALATED, told(117, "ada", "two"))),
        ("doubled", "a step was taken twice", and_also(ESCALATED, told(130, "ada", "two"))),
        ("doubled", "seen twice", and_also(ANSWERED, Event("a", "seen", 104, "noor"))),
        (
            "lost",
            "acknowledged by ada",
            replace(ANSWERED, pressed=[Pressed("ada", "a", "acknowledged")]),
        ),
        ("torn", "told after it was answered", and_also(ANSWERED, told(116, "ada", "two"))),
        ("torn", "its row says open", replace(ANSWERED, alerts=[Alert("a", "ana", "open")])),
        (
            "torn",
            "nobody acknowledged it",
            replace(ESCALATED, alerts=[Alert("a", "ana", "acknowledged", "noor")]),
        ),
        (
            "torn",
            "nobody acknowledged it",
            and_also(ANSWERED, EXPIRED, told(161, "ada", "two")),
        ),
    ],
)
def test_each_lie_is_found(kind, said, lie):
    wrong = check(lie, PROMISE).wrong
    assert any(said in each for each in wrong.get(kind, [])), wrong


def test_one_silent_alert_among_a_thousand_is_found():
    findings = [Finding(f"f{n}", f"p{n}", 100.0 + n) for n in range(1_000)]
    alerts = [Alert(f"a{n}", f"p{n}", "open") for n in range(1_000)]
    events = [
        Event(f"a{n}", "told", 101.0 + n + wait, user, step)
        for n in range(1_000)
        for wait, user, step in ((0, "noor", "one"), (16, "ada", "two"))
        if (n, step) != (617, "two")
    ]
    report = check(Ward(findings, alerts, events, [], 2_000.0), PROMISE)
    assert report.wrong == {
        "silent": ["1 in all", "telling 2 of alert a617 never came, and no answer"]
    }
