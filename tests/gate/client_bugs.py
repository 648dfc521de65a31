"""Bugs of the page's own client that only an order of things shows (tests/browser/simulation)."""

from tests.gate.bug import Bug, Edit

SCRIPTS = "static/js/realtime"
TESTS = ("tests/browser/simulation/test_client.py",)


def _bug(name: str, breaks: str, promise: str, script: str, old: str, new: str) -> Bug:
    return Bug(name, "client", breaks, promise, (Edit(f"{SCRIPTS}/{script}", old, new),), TESTS)


IN_ORDER = (
    _bug(
        "a region that came while all read afresh",
        "What was under way when everybody was told to read again stays as it came.",
        "a page that received its events equals a page freshly loaded",
        "bindings.js",
        "for (const tell of [...entry.tells]) if (!told?.has(tell)) tell()",
        "",
    ),
    _bug(
        "a binding inherits from one that was forgotten",
        "What the server was asked for the content of before counts for older content.",
        "nothing falls between two sets of bindings",
        "bindings.js",
        "const key = `${++this.#count} ${name}`",
        "const key = name",
    ),
    _bug(
        "a region that was brought in late",
        "Content that was asked for before its binding heard of a change is not read again.",
        "a page that received its events equals a page freshly loaded",
        "bindings.js",
        "return since.seq < from.seq || Boolean(heard && since.seq < heard.seq)",
        "return since.seq < from.seq",
    ),
    _bug(
        "an answer older than the order to read afresh",
        "All regions count from a position of before their rights changed.",
        "nothing falls between reading and listening",
        "client.js",
        "if (this.#resyncs !== resyncs) return this.#askOnce()",
        "",
    ),
    _bug(
        "the union changed while the server thought",
        "A region that comes in during a join is listened for when the next one comes.",
        "nothing falls between two sets of bindings",
        "client.js",
        "this.#settle() // the union may have changed while the server thought",
        "",
    ),
    _bug(
        "a poll goes on beside the line",
        "What a poll still brings is taken while the socket is live.",
        "one socket, one channel, one cursor for a page",
        "client.js",
        "if (!this.#connection.isPolling) this.#poll?.abort()",
        "",
    ),
    _bug(
        "time stands still when the clock is set back",
        "A line that is silent counts as live for as long again.",
        "Live means that the server said so a moment ago",
        "client.js",
        "Math.max(wall - wallBefore, running - runningBefore)",
        "Math.max(wall - wallBefore, 0)",
    ),
    _bug(
        "a steady line has no merit",
        "After a day of small troubles each reconnect takes as long as if the server were down.",
        "a page is back within a second of a short trouble",
        "connection.js",
        "if (now - this.#phaseAt >= this.#timing.steady) this.#failures = 0",
        "",
    ),
    _bug(
        "who hurries need not wait",
        "A page that is looked at again polls a server that asked to be left alone.",
        "it waits for as long as it is told to",
        "connection.js",
        "this.#pollAt !== null && now >= this.#pollFrom",
        "this.#pollAt !== null",
    ),
    _bug(
        "an ended membership is an accident",
        "A page whose reader has no access any more knocks again and again.",
        "what is over is over",
        "connection.js",
        "const OVER = [4401, 4403]",
        "const OVER = [4401]",
    ),
)
