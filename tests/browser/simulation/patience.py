"""Waits are as long as they should be: a server in trouble is left alone, a healthy one is not."""

from tests.browser.simulation.witness import Ear, Frame, Witness, promise

STEADY, FIRST_RETRY = 5_000, 1_000
POLL_LEAST = 4_000
LONGEST_RETRY_AFTER = 60_000
MINUTE = 60_000
SOCKETS_A_MINUTE, POLLS_A_MINUTE = 30, 20
# Of ten seconds, the least that is drawn (borders.js).
CROWDED, CROWDED_LEAST = 4429, 2_500
ROUNDING = 3


class Patience(Witness):
    """How soon, and how often, the page asks again."""

    def __init__(self):
        self.sockets, self.polls = [], []  # when they were asked for
        self.next_poll_at = self.told_to_wait_until = 0
        self.socket_from, self.socket_by = 0, None
        self.joined_at = self.steady_at = None
        self.ear = Ear()
        self.is_quiet = False
        self.is_void = False  # the answer that is waited for is older than an order to read afresh

    # Whatever makes it try at once -------------------------------------------------------------

    def _hurried(self, *_):
        self.next_poll_at = self.socket_from = 0
        self.socket_by = None
        self.sockets.clear()
        self.polls.clear()

    hurry = leave = back = _hurried

    def clock(self, milliseconds):
        self._hurried()
        self.told_to_wait_until = 0

    def stands(self, standing, cursor, held):
        if standing == "resting":
            self._hurried()
        if standing in ("live", "behind"):
            self.next_poll_at = 0

    # Sockets -----------------------------------------------------------------------------------

    def open(self, line):
        promise(not self.is_quiet, "a socket although all is well")
        promise(self.time >= self.socket_from - ROUNDING, "a crowded server is asked again at once")
        late = self.socket_by is not None and self.time > self.socket_by + ROUNDING
        promise(not late, "a line that was steady is not tried again soon")
        self.socket_by, self.joined_at, self.steady_at = None, None, None
        self.socket_from = 0
        self.ear.open()
        self._note(self.sockets, SOCKETS_A_MINUTE, "sockets")

    def sent(self, line, frame):
        self.ear.sent(Frame(*frame))

    def got(self, line, frame):
        frame = Frame(*frame)
        self.is_void = self.is_void or frame.is_resync
        word = self.ear.got(frame)
        if word == "joined" and self.joined_at is None:
            self.joined_at = self.time
        if word == "heard" and self.time - self.joined_at >= STEADY:
            self.steady_at = self.time

    def closed(self, line, code, is_held):
        if not is_held:
            return
        if code == CROWDED:
            self.socket_from = self.time + CROWDED_LEAST
        elif self.steady_at is not None:
            self.socket_by = self.time + FIRST_RETRY

    # Polls -------------------------------------------------------------------------------------

    def asked(self, number, cursor, tables):
        promise(not self.is_quiet, "a poll although all is well")
        promise(
            self.time >= self.told_to_wait_until - ROUNDING,
            f"a poll {self.told_to_wait_until - self.time} ms before it may ask again",
        )
        promise(self.time >= self.next_poll_at - ROUNDING, "a poll before its time")
        self._note(self.polls, POLLS_A_MINUTE, "polls")
        self.is_void = False

    def answered(self, number, how, body, wait):
        self.next_poll_at = self.time + POLL_LEAST
        if body and (body["more"] or self.is_void):
            # It goes on at once, and is one poll still.
            self.next_poll_at = 0
            del self.polls[-1:]
        if isinstance(how, int) and wait and wait.isdigit():
            self.told_to_wait_until = self.time + min(int(wait) * 1_000, LONGEST_RETRY_AFTER)

    def failed(self, number):
        self.next_poll_at = self.time + POLL_LEAST

    def settled(self, how, state):
        self.is_quiet = how == "live"

    def _note(self, times, most, what):
        times.append(self.time)
        while times[0] < self.time - MINUTE:
            del times[0]
        promise(len(times) <= most, f"{len(times)} {what} in a minute")
