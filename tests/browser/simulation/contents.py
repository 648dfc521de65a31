"""Nothing is lost: what a region shows, or has been told to read again, is all that there is."""

from dataclasses import dataclass

from tests.browser.simulation.witness import Cursor, Frame, Witness, promise

# A change of what is wanted is asked for once it has settled.
SETTLE_MS = 50


@dataclass
class Region:
    """Content on the page: the turn whose it is, and where in the trace it was told last."""

    tables: list[str]
    turn: int
    told_at: int = -1


@dataclass
class Change:
    """What regions of its table have to show; without a table, all of them."""

    at: Cursor
    kind: str
    table: str | None
    turn: int
    logged_at: int


class Contents(Witness):
    """Each region holds what the cursor has passed, at each moment, and in the end everything."""

    def __init__(self):
        self.regions = {}
        self.changes = []
        self.turns = {}  # of the last change of each table
        self.wanted = {}  # table to the place from which on a region waits for it
        self.join = self.standing = (
            None,
            (),
            0,
        )  # ref, tables, place: the last, the one that stands
        self.polls = {}
        self.basis = ((), 0)  # what the server spoke of last: tables, and since when they are known
        self.spoke_in_order = True
        self.cursor = None
        self.unasked_since = None  # something else is wanted than what stands

    def hear(self, place, time, what, *rest):
        super().hear(place, time, what, *rest)
        asked = self.standing[0] is not None and self.standing == self.join
        if not asked or set(self.wanted) == set(self.standing[1]):
            self.unasked_since = None
        elif self.unasked_since is None:
            self.unasked_since = time
        promise(
            self.unasked_since is None or time <= self.unasked_since + SETTLE_MS,
            f"{self.standing[1]} are joined, and {list(self.wanted)} are wanted",
        )

    # What there is ---------------------------------------------------------------------------

    def changed(self, turn, tables):
        self.turns |= dict.fromkeys(tables, turn)

    def logged(self, epoch, seq, kind, table, turn):
        self.changes.append(Change(Cursor(epoch, seq), kind, table, turn, self.place))

    # What is shown -----------------------------------------------------------------------------

    def enter(self, name, tables, since, turn):
        self.regions[name] = Region(tables, turn)
        for table in tables:
            self.wanted.setdefault(table, self.place)

    def exit(self, name):
        del self.regions[name]
        left = {table for region in self.regions.values() for table in region.tables}
        self.wanted = {table: place for table, place in self.wanted.items() if table in left}

    def told(self, name):
        self.regions[name].told_at = self.place

    def content(self, name, turn):
        self.regions[name].turn = turn

    # What is asked and answered ----------------------------------------------------------------

    def open(self, line):
        self.standing = (None, (), 0)

    def closed(self, line, code, is_held):
        if is_held:
            self.standing = (None, (), 0)

    def sent(self, line, frame):
        frame = Frame(*frame)
        if frame.event == "phx_join":
            self.join = (frame.ref, tuple(frame.bindings), self.place)
            for table, since in frame.bindings.items():
                self._nothing_is_lacking(table, since, "is joined")

    def asked(self, number, cursor, tables):
        self.polls[number] = (tuple(tables), self.place)
        for table in tables:
            self._nothing_is_lacking(table, Cursor.parse(cursor), "is polled")

    def got(self, line, frame):
        frame = Frame(*frame)
        if frame.answers(self.join[0], "ok"):
            self.standing = self.join
        self.basis = self.standing[1:]
        # A join tells of other rights behind the history that it missed.
        self.spoke_in_order = frame.event != "postgres_changes"

    def answered(self, number, how, body, wait):
        self.basis = self.polls[number]
        self.spoke_in_order = True

    def stands(self, standing, cursor, held):
        if not held:
            self.standing = (None, (), 0)
        if cursor == self.cursor:
            return
        self.cursor = cursor
        tables, asked_at = self.basis
        for table in tables:
            # What has begun to be wanted since is asked for anew, from where it stands.
            if self.wanted.get(table, self.place) < asked_at:
                self._nothing_is_lacking(table, Cursor.parse(cursor), "was told up to")

    def settled(self, how, state):
        for name, tables, turn in state["regions"]:
            for table in tables:
                promise(
                    turn >= self.turns.get(table, 0), f"region {name} lacks a change of {table}"
                )

    def _nothing_is_lacking(self, table, upto, what):
        for change in self.changes:
            if change.at.epoch != upto.epoch or change.at.seq > upto.seq:
                continue
            if change.table not in (None, table) or (
                change.kind == "rights" and not self.spoke_in_order
            ):
                continue
            for name, region in self.regions.items():
                promise(
                    table not in region.tables
                    or region.turn >= change.turn
                    or region.told_at >= change.logged_at,
                    f"{table} {what} {upto}, and region {name} was not told of {change}",
                )
