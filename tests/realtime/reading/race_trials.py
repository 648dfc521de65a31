"""The trials of the race: who they are, how their right ends, and where their page is then."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connections
from django.utils import timezone

from alerts.models import Alert, EscalationPolicy, PolicyVersion, Rule, RuleVersion
from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Membership,
    Patient,
    Provider,
    Role,
    User,
)
from tests.realtime.reading.near import NearSocket, session_row

# How a right ends: a statement for each way, about the trial's own rows.
REVOCATIONS = {
    "care team": {
        "ended": "UPDATE care_team_memberships SET ends_at = now() WHERE patient_id = %(patient)s",
        "deleted": "DELETE FROM care_team_memberships WHERE patient_id = %(patient)s",
    },
    "call": {
        # Who was called sees the patient until the alert closes.
        "alert closed": "UPDATE assessment_critical_alerts SET phase = 'closed',"
        " closed_at = now(), outcome = 'done' WHERE patient_id = %(patient)s",
        "ended": "UPDATE access_grants SET ends_at = now() WHERE patient_id = %(patient)s",
    },
    "deactivated": {"user": "UPDATE users SET is_active = false WHERE id = %(user)s"},
    "password": {"changed": "UPDATE users SET password = 'another' WHERE id = %(user)s"},
    "sign-out": {"session": "DELETE FROM sessions WHERE digest = %(session)s"},
    "clock": {"mandate": "", "call": "", "session": ""},
    "role": {
        "changed": "UPDATE memberships SET role = 'caregiver' WHERE user_id = %(user)s",
        "ended": "UPDATE memberships SET ended_at = now() WHERE user_id = %(user)s",
    },
    "consent": {
        "withdrawn": "UPDATE caregivers SET ends_at = now() WHERE patient_id = %(patient)s",
        "deleted": "DELETE FROM caregivers WHERE patient_id = %(patient)s",
        "patient's link": "UPDATE patients SET user_id = NULL WHERE id = %(patient)s",
    },
}
KINDS = tuple(REVOCATIONS)

# Where the page is when it happens. All but the first and the last hold a join at a failpoint.
LIVE, POLLING = "live", "polling"
HELD = (
    "handshake.identify",
    "handshake.identified",
    "join.current",
    "join.rights",
    "join.audit",
    "history.page",
    "history.read",
    "join.drain",
)

ENDS_BY_CLOCK = {
    "mandate": "UPDATE caregivers SET ends_at = %(end)s WHERE patient_id = %(patient)s",
    "call": "UPDATE access_grants SET ends_at = %(end)s WHERE patient_id = %(patient)s",
    "session": "UPDATE sessions SET created_at = %(begun)s WHERE digest = %(session)s",
}


@dataclass
class Trial:
    """One person, one patient, one end of a right."""

    kind: str
    way: str
    where: str
    luck: random.Random
    key: str = field(default_factory=lambda: uuid4().hex)
    user_id: UUID | None = None
    patient_id: UUID | None = None
    ends_at: datetime | None = None  # by the clock
    socket: NearSocket | None = None
    company: NearSocket | bool = False  # whether there is another browser, and then its socket
    cursor: str = ""
    heard: dict[int, str] = field(default_factory=dict)  # seq: by which way
    # The same of what was asked for when the right had ended: of that nothing may be told at all.
    heard_late: dict[int, str] = field(default_factory=dict)
    # At a moment at which nothing was on its way to the page: how far the hub had come in the log,
    # and how many frames the page had.
    marked: tuple[int, int] | None = None
    revoking_from: int | None = None  # how many frames it had when its right was about to end
    revoked_at: float | None = None
    ended_at: float | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self):
        return f"{self.kind} ({self.way}) while {self.where}"

    @property
    def other_key(self):
        """What opens the session of the same person's other browser."""
        return f"{self.key}-elsewhere"

    @property
    def ends_person(self):
        """Whether the right ends for the person, and not only for this session."""
        return self.kind != "sign-out" and (self.kind, self.way) != ("clock", "session")

    @property
    def is_by_clock(self):
        return self.kind == "clock"

    @property
    def is_over(self):
        """Whether the end of the right is committed, and has come."""
        if self.revoked_at is None:
            return False
        return self.ends_at is None or timezone.now() >= self.ends_at

    @property
    def is_called(self):
        """Whether the right is that of somebody who was called for an alert."""
        return self.kind == "call" or (self.kind == "clock" and self.way == "call")

    @property
    def role(self):
        mandated = self.kind == "consent" or (self.kind == "clock" and self.way == "mandate")
        return Role.CAREGIVER if mandated else Role.CLINICIAN

    @property
    def ends_session(self):
        """Whether the socket has to go, and not only the topic."""
        ends_all = self.kind in ("deactivated", "password", "sign-out")
        return ends_all or (self.kind, self.way) in (("role", "ended"), ("clock", "session"))

    @property
    def topic(self):
        return f"patient:{self.patient_id}"


def trials(kind, count, seed):
    """`count` trials of a kind: every way it may happen, wherever the page may be."""
    luck = random.Random(f"{seed} {kind}")
    ways = list(REVOCATIONS[kind])
    where = [LIVE] * 6 + [POLLING] * 4 + [*HELD]
    return [
        Trial(kind, ways[index % len(ways)], luck.choice(where), random.Random(luck.random()))
        for index in range(count)
    ]


class People:
    """Writes the people of a wave, by the owner and many at once."""

    def __init__(self, clinic):
        self.clinic = clinic
        self._judged_by = None

    def seat(self, wave):
        """Give each trial its user, session, patient and right; blocking, for a thread."""
        try:
            self._seat(wave)
        finally:
            connections.close_all()

    def _seat(self, wave):
        rows = {model: [] for model in (User, Membership, Patient, Provider)}
        rights, sessions, alerts = [], [], []
        for trial in wave:
            user = User(email=f"{trial.key}@race.example", name="R", password=f"md5${trial.key}")
            linked = trial.way == "patient's link"
            patient = Patient(
                organization=self.clinic,
                user=user if linked else None,
                mrn=trial.key,
                name="P",
                birth_on="1990-01-01",
            )
            trial.user_id, trial.patient_id = user.pk, patient.pk
            rows[User].append(user)
            rows[Patient].append(patient)
            role = Role.PATIENT if linked else trial.role
            rows[Membership].append(Membership(organization=self.clinic, user=user, role=role))
            sessions.append(session_row(trial.key, user, self.clinic))
            trial.company = trial.luck.random() < 0.3
            if trial.company:
                sessions.append(session_row(trial.other_key, user, self.clinic))
            if trial.is_called:
                alerts.append(self._alert(patient))
                rights.append(self._call(alerts[-1], user))
            elif not linked:
                rights.append(self._right(trial, user, patient, rows[Provider]))
        for made in (*rows.values(), sessions, alerts):
            if made:
                type(made[0]).objects.using("owner").bulk_create(made)
        for model in {type(right) for right in rights}:
            of_model = [right for right in rights if type(right) is model]
            model.objects.using("owner").bulk_create(of_model)

    def _right(self, trial, user, patient, providers):
        common = {"organization": self.clinic, "patient": patient}
        if trial.role == Role.CAREGIVER:
            return Caregiver(**common, user=user)
        provider = Provider(organization=self.clinic, user=user, name="D")
        providers.append(provider)
        return CareTeamMembership(**common, provider=provider)

    def _alert(self, patient):
        if self._judged_by is None:
            self._judged_by = self._rule()
        now = timezone.now()
        return Alert(
            organization=self.clinic,
            patient=patient,
            **self._judged_by,
            severity="urgent",
            condition="glucose:high",
            what="Glucose",
            measured_at=now,
            available_at=now,
        )

    def _call(self, alert, user):
        return AccessGrant(
            organization=self.clinic, patient=alert.patient, user=user, subject_id=alert.pk
        )

    def _rule(self):
        """What all alerts of the race were judged by."""
        of_clinic = {"organization": self.clinic}
        policy = EscalationPolicy.objects.using("owner").create(**of_clinic, name="Race")
        rule = Rule.objects.using("owner").create(**of_clinic, name="Glucose")
        of_clinic["number"] = 1
        said = {"severity": "urgent", "what": "Glucose", "policy_id": policy.pk}
        version = RuleVersion.objects.using("owner").create(**of_clinic, **said, rule_id=rule.pk)
        steps = PolicyVersion.objects.using("owner").create(
            **of_clinic, policy_id=policy.pk, steps=[]
        )
        return {"rule_version_id": version.pk, "policy_version_id": steps.pk}
