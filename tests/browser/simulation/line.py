"""How the page stands is true, and what is over is over."""

from tests.browser.simulation.witness import Cursor, Ear, Frame, Witness, promise

TWO_BEATS = 10_000
# Whole milliseconds on both sides.
ROUNDING = 3
OVER = {4401: "signed-out", 4403: "signed-out", 401: "signed-out", 409: "organization"}


class Line(Witness):
    """One socket and one poll at most; live as long as the server says so; an end for good."""

    def __init__(self):
        self.standing = "resting"
        self.cursor = None
        self.said = set()  # every position that the server spoke of
        self.heard_at = None  # when the server last told a new moment
        self.ear = Ear()
        self.polls = set()
        self.is_answered = False  # the last poll was, by a server that knows how things stand now
        # All was read afresh: the next position counts, whatever it is.
        self.is_afresh = self.counts_next = False
        self.over = None
        self.is_away = False

    def error(self, text):
        promise(False, text)

    # Sockets ---------------------------------------------------------------------------------

    def open(self, line):
        self._may_ask("a socket")
        self.heard_at = None
        self.ear.open()

    def sent(self, line, frame):
        self._may_ask("a frame")
        self.ear.sent(Frame(*frame))

    def got(self, line, frame):
        frame = Frame(*frame)
        word = self.ear.got(frame)
        if word == "heard":
            self.heard_at = self.time
        if word == "refused" and "OrganizationChanged" in str(frame.payload):
            self.over = "organization"
        if frame.event == "postgres_changes":
            self.said.add(frame.payload["data"]["position"])
        if frame.position:
            self.said.add(frame.position)
            self.counts_next = True
        self.is_afresh = self.is_afresh or frame.is_resync

    def closed(self, line, code, is_held):
        if is_held:
            self.over = self.over or OVER.get(code)

    # Polls -----------------------------------------------------------------------------------

    def asked(self, number, cursor, tables):
        self._may_ask("a poll")
        self.polls.add(number)
        promise(len(self.polls) == 1, f"{len(self.polls)} polls at once")

    def failed(self, number):
        self.polls.discard(number)
        self.is_answered = False

    given_up = failed

    def answered(self, number, how, body, wait):
        self.polls.discard(number)
        self.over = self.over or OVER.get(how)
        self.is_answered = body is not None and body["fresh"]
        if body is not None:
            self.is_afresh = self.is_afresh or body["resync"]
            self.counts_next = True
            self.said |= {body["cursor"]} | {each["data"]["position"] for each in body["events"]}

    # How it stands ---------------------------------------------------------------------------

    def leave(self):
        self.is_away = True

    def back(self):
        self.is_away = False

    def stands(self, standing, cursor, held):
        self._still_live()
        self.standing = standing
        promise(len(held) <= 1, f"the page holds the sockets {held}")
        promise(not (held and (self.over or self.is_away)), "a socket is held that nobody wants")
        promise(not self.over or standing == self.over, f"it stands {standing}, not {self.over}")
        if standing == "live":
            promise(held and self.heard_at is not None, "live without a word of the server")
        if standing == "polling":
            promise(self.is_answered or self.polls, "polling, and the last poll brought nothing")
        if self.polls:
            promise(standing not in ("live", "resting"), f"a poll goes on while {standing}")
        self._moved(cursor)

    def _moved(self, cursor):
        before, self.cursor = self.cursor, Cursor.parse(cursor)
        if before is None:
            self.said.add(cursor)
        elif before.epoch == self.cursor.epoch and not self.is_afresh:
            promise(before.seq <= self.cursor.seq, f"the cursor went back: {before} to {cursor}")
        promise(cursor in self.said, f"the server never spoke of {cursor}")
        if self.counts_next:
            self.is_afresh = self.counts_next = False

    def _still_live(self):
        if self.standing == "live":
            silence = self.time - self.heard_at
            promise(silence <= TWO_BEATS + ROUNDING, f"live after {silence} ms of silence")

    def _may_ask(self, what):
        promise(not self.over, f"{what} after the end")
        promise(not self.is_away, f"{what} while nobody looks")

    # In the end ------------------------------------------------------------------------------

    def settled(self, how, state):
        self._still_live()
        wanted = sorted({table for _, tables, _ in state["regions"] for table in tables})
        standing = self.over or (how if wanted else "resting")
        promise(state["standing"] == standing, f"it stands {state['standing']} in the end")
        if standing == "live":
            promise(state["joined"] == [wanted], f"{state['joined']} are joined, not {wanted}")
        if standing != "polling":
            most = 2 if standing == "live" else 0
            promise(state["timers"] <= most, f"{state['timers']} timers are left")
