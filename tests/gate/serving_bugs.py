"""Bugs of the server's connections, and of what one person may ask of all."""

from tests.gate.bug import Bug, Edit

ALONE = "what one asks for takes nothing from the others"

SERVING = (
    Bug(
        "only messages are counted",
        "serving",
        "A socket that sends pings without end has the event loop for itself.",
        ALONE,
        (
            Edit(
                "portal/serving/web_socket.py",
                "if isinstance(event, Frame) and not self._frames_allowed.take():",
                "if event is None:",
            ),
        ),
        ("tests/serving/test_web_socket.py",),
    ),
    Bug(
        "frames are read before the handshake is answered",
        "serving",
        "A stranger's pings are read while nobody knows yet who it is.",
        ALONE,
        (
            Edit(
                "portal/serving/web_socket.py",
                "        elif not self.handshake_complete:\n",
                "        elif self.transport.is_closing():\n",
            ),
        ),
        ("tests/serving/test_web_socket.py",),
    ),
    Bug(
        "a handshake that nobody understands stays",
        "serving",
        "A byte that is no text in a handshake leaves its connection in memory for good.",
        ALONE,
        (
            Edit(
                "portal/serving/requests.py",
                "if all(each.isascii() for each in understood):",
                "if understood:",
            ),
        ),
        ("tests/serving/test_web_socket.py",),
    ),
    Bug(
        "a request may take as long as it likes",
        "serving",
        "Whoever sends a byte a minute keeps a connection for good.",
        ALONE,
        (
            Edit(
                "portal/serving/requests.py",
                "if self._is_read_too_slowly(now) or self._is_asked_too_slowly(now):",
                "if self._is_read_too_slowly(now):",
            ),
        ),
        ("tests/serving/test_requests.py",),
    ),
    Bug(
        "each socket of a person binds anew",
        "limits",
        "Thirty sockets that join and leave keep a core busy.",
        ALONE,
        (
            Edit(
                "realtime/join.py",
                "if not hub.sockets.may_bind(self._connection.identity, len(config.bindings)):",
                "if len(config.bindings) > hub.limits.user_bindings_burst:",
            ),
        ),
        ("tests/realtime/reading/test_limits.py",),
    ),
    Bug(
        "each write keeps its job",
        "judging",
        "One clinic's thousands of readings have another's critical value wait behind them.",
        ALONE,
        (Edit("alerts/jobs.py", "    queue.drop_jobs(organization_id)\n", ""),),
        ("tests/alerts/test_judging_queue.py",),
    ),
    Bug(
        "a patient's many stand before another's one",
        "judging",
        "Two patients who send thousands keep a third's critical value waiting for half an hour.",
        ALONE,
        (
            Edit(
                "alerts/sql/alerts_queue.v4.sql",
                "apart CONSTANT interval := '2 seconds'",
                "apart CONSTANT interval := '0'",
            ),
        ),
        ("tests/alerts/test_judging_queue.py",),
    ),
    Bug(
        "whoever is not judged at once is judged never",
        "judging",
        "A value of a patient who is being judged by another worker is taken for judged.",
        "a critical alert ends in an acknowledgement or in an escalation, never in silence",
        (
            Edit(
                "alerts/judge.py",
                "                    held.add(row.patient_id)\n                    continue\n"
                "                judge(row",
                "                    held.add(row.patient_id)\n"
                '                    row.save(update_fields=["judged_at"])\n'
                "                    continue\n                judge(row",
            ),
            Edit(
                "alerts/judge.py",
                "                    # Whoever judges that patient",
                "                    row.judged_at = Now()\n"
                "                    # Whoever judges that patient",
            ),
        ),
        ("tests/alerts/test_held_locks.py",),
    ),
)
