"""What may happen to a page, its server and all between them, as steps for world.js.

A plan is `{"seed", "steps", "polls"}`: a step is `[wait, what, …]`, the wait in milliseconds before
it; `polls` says what becomes of sockets while the world settles by polling alone, if it does.
"""

from hypothesis import strategies as st

WAITS = [0, 0, 0, 1, 5, 12, 20, 25, 30, 45, 60, 100, 300, 1_000, 2_000, 4_000, 5_000, 9_000, 15_000]
TABLES = st.sampled_from("abc")
OF_REGION = st.lists(TABLES, min_size=1, max_size=2, unique=True)
PLACES = st.integers(0, 2)
# How long a server thinks about a region or a join, and takes to say it: longer than a page waits.
DELAYS = st.sampled_from([0, 5, 15, 60, 300, 2_500, 9_500])
# How long a trouble lasts.
TROUBLED = st.sampled_from([50, 1_000, 5_000, 12_000, 30_000])
ACCIDENTS = [1001, 1011, 1012, 1013, 4008, 4009, 4429]
POLLS = [
    *((status, wait) for status in (429, 500, 503) for wait in ("1", "7", "90", "soon")),
    *((how, None) for how in ("fail", "hang", "hang within", "nonsense", 422)),
    *[("ok", None)] * 8,
]

OF_KIND = {
    "commit": st.tuples(TABLES, st.sampled_from([1, 1, 2, 5])),
    "untold": st.tuples(TABLES),
    "rights": st.just(()),
    "prune": st.tuples(st.integers(0, 3)),
    "restore": st.tuples(st.integers(0, 40), st.sampled_from(["close", "resync", "position"])),
    "close": st.tuples(st.sampled_from(ACCIDENTS)),
    "break": st.tuples(st.sampled_from(["phx_error", "phx_close"])),
    "repeat": st.just(()),
    "cut": st.just(()),
    "die": st.just(()),
    "stall": st.tuples(st.sampled_from([200, 3_000, 9_000])),
    "sockets": st.tuples(TROUBLED, st.sampled_from(["refuse", "hang"])),
    "joins": st.tuples(
        TROUBLED, st.sampled_from(["ok", "ok", "ok", "refuse", "hang", "crash"]), DELAYS
    ),
    "polls": st.tuples(TROUBLED, st.sampled_from(POLLS)).map(lambda each: (each[0], *each[1])),
    "outage": st.tuples(TROUBLED, st.sampled_from(POLLS)).map(lambda each: (each[0], *each[1])),
    "relay": st.tuples(TROUBLED),
    "hub": st.tuples(TROUBLED),
    "freeze": st.tuples(TROUBLED),
    "answers": st.tuples(TROUBLED),
    "network": st.tuples(TROUBLED, st.sampled_from([1, 150, 900]), st.sampled_from([0, 0, 30])),
    "haste": st.tuples(TROUBLED, DELAYS, DELAYS),
    "show": st.tuples(PLACES, OF_REGION, st.booleans()),
    "bring": st.tuples(PLACES, OF_REGION, st.booleans(), DELAYS, DELAYS),
    "remove": st.tuples(PLACES),
    "leave": st.just(()),
    "back": st.just(()),
    "hurry": st.just(()),
    "offline": st.just(()),
    "clock": st.tuples(st.sampled_from([-3_600_000, -6_000, 700, 3_600_000])),
    "end": st.tuples(st.sampled_from([4401, 4403, 401, 409, "move"])),
}
OFTEN = ["commit", "bring"] * 7 + ["remove", "rights", "untold", "outage", "hurry"] * 3
KINDS = st.sampled_from([*(kind for kind in OF_KIND if kind != "end"), *OFTEN] * 2 + ["end"])


@st.composite
def _steps(draw):
    kind = draw(KINDS)
    return [draw(st.sampled_from(WAITS)), kind, *draw(OF_KIND[kind])]


@st.composite
def plans(draw):
    """One page's life: what it shows first, what happens to it, how it settles."""
    first = [
        [0, "haste", 300_000, draw(DELAYS), draw(DELAYS)],
        [0, "show", 0, draw(OF_REGION), draw(st.booleans())],
    ]
    # A single list would hold five on average, and seldom come to anything.
    others = [step for _ in range(4) for step in draw(st.lists(_steps(), max_size=12))]
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "steps": first + others,
        "polls": draw(st.sampled_from([None, None, None, "refuse", "hang"])),
    }
