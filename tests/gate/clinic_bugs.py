"""Bugs of the clinic: alerts that end in silence, a time given twice, a page that is deaf."""

from tests.gate.bug import Bug, Edit

SILENCE = "a critical alert ends in an acknowledgement or in an escalation, never in silence"
SCRIPTS = "static/js/realtime"

CLINIC = (
    Bug(
        "a step tells twice",
        "alerts",
        "Two workers with the same step tell everybody twice.",
        "a step is told once, however often it is taken",
        (
            Edit(
                "notifications/actions/telling.py",
                "            once=once,\n",
                '            once="",\n',
            ),
        ),
        ("tests/notifications/test_once.py",),
    ),
    Bug(
        "a step is taken before its time",
        "alerts",
        "The sweep takes the next step of an alert at once, and all of its rounds in a minute.",
        "a step is taken when it is due and not before",
        (
            Edit(
                "alerts/lifecycle.py",
                "if step is None or step.due_at > now or state.is_closed:",
                "if step is None or state.is_closed:",
            ),
        ),
        ("tests/alerts/test_lifecycle.py",),
    ),
    Bug(
        "the policy runs out",
        "alerts",
        "After its rounds an alert that nobody answers is told to nobody.",
        SILENCE,
        (
            Edit(
                "alerts/escalation.py",
                "        if position >= self._planned:\n            return self.every\n",
                "        if position >= self._planned:\n            return self.every * 1_000\n",
            ),
        ),
        ("tests/alerts/test_lifecycle.py",),
    ),
    Bug(
        "an acknowledgement that expires is forgotten",
        "alerts",
        "Who acknowledged and did nothing more is not asked again.",
        SILENCE,
        (
            Edit(
                "alerts/lifecycle.py",
                "return replace(turn, tell=tuple(dict.fromkeys((*acker, *turn.tell,"
                " *plan.on_call))))",
                "return replace(turn, tell=())",
            ),
        ),
        ("tests/alerts/test_lifecycle.py",),
    ),
    Bug(
        "the auditor is blind to late steps",
        "alerts",
        "A step that nobody took raises no alarm of the auditor.",
        SILENCE,
        (
            Edit(
                "alerts/sql/alerts_audit.v4.sql",
                "AND due_at < clock_timestamp() - late_after",
                "AND due_at < clock_timestamp() - 1000 * late_after",
            ),
        ),
        ("tests/alerts/test_auditor.py",),
    ),
    Bug(
        "a critical alert without a next step",
        "alerts",
        "The database lets a critical alert stand open with nothing to come.",
        SILENCE,
        (
            Edit(
                "alerts/sql/alerts_invariants.v1.sql",
                "WHERE alert.id = looked_at AND alert.severity = 'critical'",
                "WHERE alert.id = looked_at AND alert.severity = 'kritical'",
            ),
        ),
        ("tests/alerts/test_acts.py", "tests/alerts/test_auditor.py", "tests/alerts/test_judge.py"),
    ),
    Bug(
        "two acknowledge one alert",
        "alerts",
        "The second responder takes the alert from the first.",
        "of two who acknowledge, the second is told who was first",
        (
            Edit(
                "alerts/lifecycle.py",
                "    if state.phase is Phase.ACKNOWLEDGED and state.owner != by:\n"
                "        raise AlreadyAcknowledged(state.owner)\n",
                "",
            ),
        ),
        ("tests/alerts/test_lifecycle.py",),
    ),
    Bug(
        "one time, two visits",
        "appointments",
        "Nothing in the database keeps a clinician's time from being given twice.",
        "no two visits of one clinician lie on one another",
        (
            Edit(
                "appointments/migrations/0003_calendar.py",
                '                condition=models.Q(("is_exclusive", True)),\n'
                '                expressions=[("provider", "="), ("during", "&&")],',
                '                condition=models.Q(("is_exclusive", None)),\n'
                '                expressions=[("provider", "="), ("during", "&&")],',
            ),
        ),
        ("tests/appointments/test_booking.py", "tests/appointments/test_race.py"),
    ),
)

CLIENT = (
    Bug(
        "a heartbeat moves the cursor during a join",
        "client",
        "The page believes it was told what its new bindings have not been asked for yet.",
        "nothing falls between two sets of bindings",
        (
            Edit(
                f"{SCRIPTS}/channel.js",
                "return this.isJoined && !this.#asked ? positioned",
                "return this.isJoined ? positioned",
            ),
        ),
        ("tests/browser/test_channel.py",),
    ),
    Bug(
        "another epoch is compared",
        "client",
        "After a restore the page takes small new positions for old ones and stops moving.",
        "a log that is another one is read afresh",
        (
            Edit(
                f"{SCRIPTS}/client.js",
                "if (this.#resyncing || !cursor.sameEpoch(this.#cursor)) {",
                "if (this.#resyncing) {",
            ),
        ),
        ("tests/browser/simulation/test_client.py",),
    ),
    Bug(
        "a region that came late",
        "client",
        "Content that was read before its binding was listened for is not read again.",
        "a page that received its events equals a page freshly loaded",
        (
            Edit(
                f"{SCRIPTS}/bindings.js",
                "return since.seq < from.seq || Boolean(heard && since.seq < heard.seq)",
                "return Boolean(heard && since.seq < heard.seq)",
            ),
        ),
        ("tests/browser/test_bindings.py",),
    ),
    Bug(
        "a storm without a refresh",
        "client",
        "A topic that never falls quiet never refreshes its region.",
        "a region is at most a second behind its news",
        (
            Edit(
                f"{SCRIPTS}/coalescer.js",
                "return Math.min(latest + QUIET_MS, first + CEILING_MS)",
                "return latest + QUIET_MS",
            ),
        ),
        ("tests/browser/test_coalescer.py",),
    ),
    Bug(
        "an open socket counts as live",
        "client",
        "The badge says Live as soon as the join is answered, before the server said anything.",
        "Live means that the server said so a moment ago",
        (
            Edit(
                f"{SCRIPTS}/connection.js",
                'if (this.#phase === "joined" && this.#heardAt !== null) return "live"',
                'if (this.#phase === "joined") return "live"',
            ),
        ),
        ("tests/browser/test_connection.py",),
    ),
)
