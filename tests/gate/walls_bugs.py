"""Bugs of who may see what: rights in the hub, access, row-level security."""

from tests.gate.bug import Bug, Edit

CORE = "realtime/hub_core.py"
REVOCATION = "nothing after the end of a right reaches the page"
WALLS = "each wall holds with the other one down"
HEARS = "nobody hears of a row that they may not read"
AUDIT = "whatever is changed in the audit log shows"
ENTITLED = "every committed event reaches every page entitled to it"

# As the care team stands in SQL; it stands there twice, so an edit needs what follows it.
ENDED = "      AND (team.ends_at IS NULL OR team.ends_at > statement_timestamp())\n"
PLACE = (
    "      AND team.starts_at <= statement_timestamp()\n"
    + ENDED
    + "      AND (SELECT portal_role()) IN ('nurse', 'clinician')\n"
)

# Of the topics that the hub is told, in portal/access.py.
MANDATES = (
    '        "user_id", "patient_id", "ends_at"\n'
    "    ):\n"
    '        _grant(of[user_id], f"patient:{patient_id}", until)\n'
)

RIGHTS = (
    Bug(
        "rights are not held",
        "rights",
        "While the new rights are being read, the old ones go on.",
        REVOCATION,
        (
            Edit(
                "realtime/rights.py",
                '        """Rely on nothing until a newer answer comes."""\n'
                "        self.held = True\n",
                '        """Rely on nothing until a newer answer comes."""\n',
            ),
        ),
        ("tests/realtime/reading/test_revocation_race.py", "-k", "arrives and team"),
    ),
    Bug(
        "a stale answer counts",
        "rights",
        "An answer about rights that was read before they changed again is taken.",
        REVOCATION,
        (
            Edit(
                CORE,
                "        if asked != reader.rights.asked:\n            return False\n",
                "",
            ),
        ),
        ("tests/realtime/test_hub_steps.py",),
    ),
    Bug(
        "a sign-out in the handshake is missed",
        "rights",
        "What happened between looking at the session and knowing the socket is forgotten.",
        REVOCATION,
        (
            Edit(
                CORE,
                "missed = self.ring.after(asked_at, ())",
                "missed = self.ring.after(self.seq, ())",
            ),
        ),
        ("tests/realtime/test_hub_steps.py",),
    ),
    Bug(
        "the clock is looked at once a second",
        "rights",
        "A session that reached its last moment hears on until the next round.",
        REVOCATION,
        (
            Edit(
                CORE,
                "        if now < self._next_end:\n            return\n",
                "        if now < self._next_end + 1:\n            return\n",
            ),
        ),
        ("tests/realtime/test_hub_steps.py",),
    ),
    Bug(
        "a mandate without an end",
        "access",
        "The hub is not told when a caregiver's mandate ends by the clock.",
        REVOCATION,
        (Edit("portal/access.py", MANDATES, MANDATES.replace("until)\n", "None)\n")),),
        ("tests/realtime/reading/test_revocation_race.py", "-k", "arrives and clock"),
    ),
    Bug(
        "a new password is no news",
        "rights",
        "A person's other sockets stay open when their password changes.",
        REVOCATION,
        (
            Edit(
                "portal/authority.py",
                "if not any(constant_time_compare(opened_with, each) for each in hashes):",
                "if not data.get(HASH_SESSION_KEY):",
            ),
        ),
        ("tests/realtime/reading/test_revocation_race.py", "-k", "arrives and password"),
    ),
    Bug(
        "a place that begins by the clock is no news",
        "access",
        "Open pages are told of rights that end by the clock, and not of those that begin.",
        ENTITLED,
        (
            Edit(
                "portal/sql/portal_tell_turned_rights.v1.sql",
                "(team.starts_at > since AND team.starts_at <= upto)\n           OR (",
                "(",
            ),
        ),
        ("tests/realtime/reading/test_turning_rights.py", "-k", "begins"),
    ),
    Bug(
        "a look begins where the last one failed",
        "access",
        "While rights that turn by the clock cannot be told, the time goes on as if they had been.",
        ENTITLED,
        (
            Edit(
                "portal/turning_rights.py",
                "            is_failing = True\n",
                "            is_failing = True\n            since = datetime.now().astimezone()\n",
            ),
        ),
        ("tests/realtime/reading/test_turning_rights.py", "-k", "failed"),
    ),
    Bug(
        "history without grants",
        "replay",
        "History is read under row-level security alone.",
        WALLS,
        (
            Edit(
                "realtime/replay.py",
                "heard = [event for event in self.events if rights.may_hear(event, now)]",
                "heard = self.events",
            ),
        ),
        ("tests/realtime/reading/test_walls.py",),
    ),
    Bug(
        "a join's history without grants",
        "replay",
        "What a join reads from the log has passed row-level security alone.",
        WALLS,
        (
            Edit(
                "realtime/history.py",
                "return piece.heard_with(subscription.rights, now)",
                "return piece",
            ),
        ),
        ("tests/realtime/reading/test_join_walls.py",),
    ),
    Bug(
        "the log of every clinic",
        "row-level security",
        "Who has a topic reads its events, whichever organization wrote them.",
        WALLS,
        (
            Edit(
                "realtime/sql/realtime_reading.v1.sql",
                "    organization_id = (SELECT realtime_organization())\n    AND (kind = 'resync'",
                "    true\n    AND (kind = 'resync'",
            ),
        ),
        ("tests/realtime/test_log_access.py", "tests/realtime/reading/test_differential.py"),
    ),
    Bug(
        "a place on the team that has ended",
        "row-level security",
        "SQL goes on showing the patient to a clinician whose place has ended.",
        WALLS,
        (
            Edit(
                "portal/sql/portal_visible_patients.v3.sql",
                PLACE + "$$;\n\n-- Patients over whom the reader watches",
                PLACE.replace(ENDED, "") + "$$;\n\n-- Patients over whom the reader watches",
            ),
        ),
        ("tests/portal/test_access_equals_rls.py", "-k", "ended"),
    ),
    Bug(
        "staff topics for patients",
        "row-level security",
        "What staff may know about a patient, the patient may hear too.",
        WALLS,
        (
            Edit(
                "portal/sql/realtime_granted_topics.v4.sql",
                "SELECT 'care:' || patient FROM portal_watched_patients() AS patient",
                "SELECT 'care:' || patient FROM portal_visible_patients() AS patient",
            ),
        ),
        ("tests/portal/test_access_equals_rls.py", "tests/realtime/reading/test_differential.py"),
    ),
    Bug(
        "a private answer is told to all around the patient",
        "topics",
        "Caregivers hear that a private questionnaire was begun or given, which they may not read.",
        HEARS,
        (
            Edit(
                "care/migrations/0008_private_answers.py",
                "'patient:{patient_id} unless {is_private}'",
                "'patient:{patient_id}'",
            ),
        ),
        ("tests/house/test_topics.py",),
    ),
    Bug(
        "whoever is called is of the team",
        "topics",
        "Somebody who was called to one alert hears of the patient's invitations and claims.",
        HEARS,
        (
            Edit(
                "portal/sql/realtime_granted_topics.v4.sql",
                "SELECT 'team:' || patient FROM portal_care_team_patients() AS patient",
                "SELECT 'team:' || patient FROM portal_watched_patients() AS patient",
            ),
        ),
        ("tests/house/test_topics.py",),
    ),
    Bug(
        "a place on the team that has ended, for the application",
        "access",
        "The application goes on showing the patient; row-level security alone holds.",
        WALLS,
        (
            Edit(
                "portal/models/provider.py",
                "return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=now),"
                " starts_at__lte=now)",
                "return self.filter(starts_at__lte=now)",
            ),
        ),
        ("tests/portal/test_access_equals_rls.py",),
    ),
    Bug(
        "messages in anothers name",
        "row-level security",
        "Whoever may write for a patient may sign as somebody else.",
        "who wrote it is who it says",
        (
            Edit(
                "messaging/migrations/0002_own_name.py",
                "(author_id = (SELECT portal_user()) AND EXISTS",
                "(author_id IS NOT NULL AND EXISTS",
            ),
        ),
        ("tests/messaging/test_row_level_security.py",),
    ),
    Bug(
        "a sealed text opens anywhere",
        "sealing",
        "A ciphertext moved to another row or clinic is opened there.",
        "encrypted text is bound to the row it was written in",
        (
            Edit(
                "portal/sealing.py",
                "parts = (self.table, self.column, str(self.row_id), str(self.organization_id),"
                " key_id)",
                "parts = (self.table, self.column, key_id)",
            ),
        ),
        ("tests/messaging/test_sealing.py",),
    ),
    Bug(
        "two seal at once",
        "audit",
        "Nothing keeps a second sealer from beginning where the first has not ended.",
        AUDIT,
        (
            Edit(
                "portal/sql/portal_seal_audit.v1.sql",
                "IF NOT pg_try_advisory_xact_lock(1986619241, 101) THEN",
                "IF false THEN",
            ),
        ),
        ("tests/audit/test_sealing.py",),
    ),
    Bug(
        "a hole in the chain passes",
        "audit",
        "An entry that was removed together with its seal is not missed.",
        AUDIT,
        (
            Edit(
                "portal/management/verification.py",
                "                yield _hole(last + 1, seal.number - 1)\n",
                "",
            ),
        ),
        ("tests/audit/test_verification.py",),
    ),
    Bug(
        "any anchor holds",
        "audit",
        "A chain that was made anew from the first entry on passes for the old one.",
        AUDIT,
        (
            Edit(
                "portal/management/verification.py",
                "elif bytes(digests[anchor.number]) != anchor.digest:",
                "elif not digests[anchor.number]:",
            ),
        ),
        ("tests/audit/test_anchors.py",),
    ),
    Bug(
        "anybody's lock may be lifted",
        "access",
        "Who runs a clinic gives a stranger a place there, and tries their password without end.",
        WALLS,
        (
            Edit(
                "portal/admin/lockout.py",
                "            if not belongs_elsewhere(user_id, by=reader)\n",
                "",
            ),
        ),
        ("tests/portal/test_admin_people.py",),
    ),
)
