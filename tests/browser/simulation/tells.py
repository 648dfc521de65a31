"""Nothing is told without a reason, and nothing twice."""

from tests.browser.simulation.witness import Cursor, Frame, Witness, promise

ANY = 1_000_000


class Tells(Witness):
    """A region is told of each change of its tables once; of all, when all is read afresh."""

    def __init__(self):
        self.tables = {}  # region to its tables
        self.heard = {}  # region to the positions that it was told of
        self.allowed = {}  # region to how often the last word of the server lets it be told
        self.is_afresh = False  # everybody was told, and counts from the next position on
        self.epoch = None

    def enter(self, name, tables, since, turn):
        self.tables[name], self.heard[name] = tables, set()
        # It may come late: its content is older than what the others were told.
        self.allowed = {name: len(tables)}

    def exit(self, name):
        del self.tables[name], self.heard[name]

    def told(self, name):
        left = self.allowed.get(name, 0)
        promise(left > 0, f"region {name} is told without a reason, or once more")
        self.allowed[name] = left - 1

    def stands(self, standing, cursor, held):
        self.epoch = Cursor.parse(cursor).epoch

    def got(self, line, frame):
        frame = Frame(*frame)
        if frame.event == "postgres_changes":
            self._heard([frame.payload["data"]])
        elif frame.is_resync:
            self.is_afresh = True
            self._everything()
        elif frame.position is not None:
            self._reached(frame.position)

    def answered(self, number, how, body, wait):
        self.allowed = {}
        if body is None:
            return
        self._heard([event["data"] for event in body["events"]])
        if body["resync"]:
            self._everything()
        else:
            self._reached(body["cursor"])

    def _heard(self, changes):
        self.allowed = dict.fromkeys(self.tables, 0)
        for change in changes:
            for name, tables in self.tables.items():
                if change["table"] in tables and change["position"] not in self.heard[name]:
                    self.heard[name].add(change["position"])
                    self.allowed[name] += 1

    def _reached(self, position):
        if self.is_afresh or Cursor.parse(position).epoch != self.epoch:
            self._everything()
            self.is_afresh = False

    def _everything(self):
        self.allowed = dict.fromkeys(self.tables, ANY)
        # They count from another position now, which may lie before what some were told.
        self.heard = {name: set() for name in self.tables}
