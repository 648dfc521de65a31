"""The connection of the realtime client: what it decides, without a socket or a clock."""

import pytest

LINE = """async (steps) => {
  const { Connection } = await import("realtime/connection")
  const line = new Connection({}, () => 0.5)
  return steps.map(([input, ...rest]) => {
    const doing = line[input](...rest)
    return [doing.join(" "), line.standing, line.wakeAt]
  })
}"""


@pytest.fixture
def line(modules):
    """`line(steps)`: feed inputs to a connection; what it did, how it stands, when it wakes."""
    return lambda *steps: modules.evaluate(LINE, steps)


def test_an_open_socket_is_not_live_until_the_server_has_told_its_position(line):
    assert line(["start", 0], ["joined", 10], ["heard", 20]) == [
        ["open", "reconnecting", 4_000],
        ["", "reconnecting", 4_000],
        ["", "live", 10_020],
    ]


def test_a_line_that_is_silent_for_two_beats_is_given_up(line):
    *_, before, after = line(
        ["start", 0], ["joined", 0], ["heard", 0], ["tick", 9_999], ["tick", 10_000]
    )
    assert before[:2] == ["", "live"]
    assert after[:2] == ["close", "reconnecting"]


def test_the_waits_double_up_to_ten_seconds(line):
    steps, now = [["start", 0]], 0
    for failures in range(8):
        steps.append(["lost", now, 1006])
        now += 0.5 * min(10_000, 1_000 * 2**failures)
        steps.append(["tick", now])
    opened = [done for done, _, _ in line(*steps) if "open" in done]
    assert len(opened) == 9


def test_the_wait_is_anywhere_between_nothing_and_the_cap(modules):
    waits = modules.evaluate("""async () => {
      const { backoff } = await import("realtime/backoff")
      return [0, 0.5, 0.999].map((luck) => backoff(40, () => luck))
    }""")
    assert waits == [0, 5_000, 9_990]


def test_two_failures_begin_polling(line):
    *_, first, _, second = line(["start", 0], ["lost", 10, 1006], ["tick", 600], ["lost", 610])
    assert first[0] == ""
    assert second[:2] == ["poll", "reconnecting"]


def test_four_seconds_without_a_line_begin_polling(line):
    *_, before, after = line(["start", 0], ["tick", 3_999], ["tick", 4_000])
    assert before[0] == ""
    assert after[0] == "poll"


def test_polling_says_so_once_it_was_answered_and_offline_when_it_was_not(line):
    *_, answered, failed = line(
        ["start", 0], ["tick", 4_000], ["pollAnswered", 4_100], ["pollFailed", 9_100]
    )
    assert answered[1] == "polling"
    assert failed[1] == "offline"


def test_polls_follow_each_other_in_five_seconds_never_two_at_once(line):
    *_, waiting, asked, due, overdue = line(
        ["start", 0],
        ["lost", 0, 1006],
        ["tick", 4_000],
        ["lost", 4_000, 1006],
        ["pollAnswered", 4_000],
        ["lost", 4_000, 1006],
        ["tick", 9_000],
        ["tick", 9_001],
        ["tick", 9_002],
    )[2:]
    assert waiting[0] != "poll"
    assert [step[0].count("poll") for step in (asked, due, overdue)] == [1, 0, 0]


def test_a_page_that_is_told_to_wait_waits_and_says_that_it_is_not_up_to_date(line):
    """Also when it comes to the front, or loses its line once more, in the meantime."""
    begun = (["start", 0], ["tick", 4_000], ["pollFailed", 4_100, 15_000])
    *_, refused, hurried, early, due, answered = line(
        *begun, ["hurry", 5_000], ["tick", 20_599], ["tick", 20_600], ["pollAnswered", 20_700]
    )
    assert refused[1] == "offline"
    assert "poll" not in hurried[0] + early[0]
    assert due[0] == "poll"
    assert answered[1] == "polling"
    *_, back, gone, later = line(
        *begun,
        ["lost", 4_200, 1006],
        ["hurry", 4_300],
        ["joined", 4_400],
        ["heard", 4_500],
        ["lost", 4_600, 1006],
        ["hurry", 4_700],
        ["lost", 4_800, 1006],
        ["tick", 20_600],
    )
    assert "poll" not in back[0] + gone[0]
    assert "poll" in later[0]


def test_the_socket_takes_over_from_polling_only_when_the_server_has_spoken_on_it(line):
    *_, opened, joined, heard = line(
        ["start", 0],
        ["lost", 0, 1006],
        ["tick", 500],
        ["lost", 500, 1006],
        ["pollAnswered", 600],
        ["tick", 1_500],
        ["joined", 1_600],
        ["heard", 1_700],
    )
    assert opened[:2] == ["open", "polling"]
    assert joined[1] == "polling"
    assert heard[1] == "live"


def test_it_never_gives_up(line):
    steps = [["start", 0]]
    for day in range(1, 400):
        steps += [["lost", day * 86_400_000, 1006], ["tick", day * 86_400_000 + 30_000]]
    assert line(*steps)[-1][0] == "open"


@pytest.mark.parametrize("code", [4401, 4403])
def test_a_close_that_means_the_end_is_obeyed(line, code):
    *_, ended, later = line(["start", 0], ["lost", 10, code], ["tick", 60_000])
    assert ended == ["close", "signed-out", None]
    assert later == ["", "signed-out", None]


def test_back_in_front_it_tries_at_once(line):
    *_, lost, hurried = line(["start", 0], ["lost", 10, 1006], ["hurry", 11])
    assert "open" not in lost[0]
    assert hurried[0] == "open"


def test_a_line_that_falls_over_at_once_each_time_is_tried_less_and_less(line):
    steps, now = [["start", 0]], 0
    for _ in range(6):
        steps += [["joined", now], ["heard", now], ["lost", now + 1, 1006]]
        now += 31_000
        steps.append(["tick", now])
    lost = [wake - 31_000 * n for n, (_, _, wake) in enumerate(line(*steps)[3::4])]
    assert lost == sorted(lost)
    assert lost[-1] > 4_000


def test_at_rest_it_holds_nothing_and_wakes_never(line):
    assert line(["start", 0], ["tick", 4_000], ["rest"])[-1] == ["close", "resting", None]
