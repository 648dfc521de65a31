"""Who may have which address: the table that is read when somebody asks "who can see this?".

Read a row as: for Ana's object (or for the page that has none), these people get an answer; to
everybody else the address does not exist.
"""

from dataclasses import dataclass, field
from typing import Any

PATIENTS = frozenset({"ana", "ben", "carla", "sam"})
CLINICAL = frozenset({"ada", "noor", "boris", "olga"})
ADMINS = frozenset({"admin", "other_admin"})
MEMBERS = PATIENTS | CLINICAL | ADMINS
NOBODY = frozenset[str]()

# Ana's own side, and her care team.
OWN_SIDE = frozenset({"ana", "sam"})
TEAM = frozenset({"ada", "noor"})

# Harbour Clinic's staff; its administrator is nobody to be called.
ON_CALL = TEAM | {"boris"}
STAFF = ON_CALL | {"admin"}

# Patients and caregivers of Harbour Clinic, whose questionnaires they share.
_OF_HARBOUR = frozenset({"ana", "ben", "sam"})

# People who are no longer let in, whatever the address.
OUTSIDE = ("stranger", "former", "deactivated", "expired")


@dataclass(frozen=True)
class Row:
    """Who may GET and who may POST; `takes` are the keyword arguments that name Ana's object."""

    get: frozenset[str] = NOBODY
    post: frozenset[str] = NOBODY
    takes: tuple[str, ...] = ()
    fixed: dict[str, str] = field(default_factory=dict)
    open: bool = False  # answers people who are not signed in, too


def _panel() -> Row:
    return Row(get=TEAM, takes=("patient_id",))


def _record_panel() -> Row:
    """A part of the record: "My health" shows the same panels to the patient's own side."""
    return Row(get=TEAM | OWN_SIDE, takes=("patient_id",))


# A shift of the past: it can be looked at, and no longer changed.
_TURN: dict[str, Any] = {"takes": ("rota_id", "series"), "fixed": {"begins_on": "2026-01-05"}}

MATRIX: dict[str, Row] = {
    # Alive, ready
    "healthz": Row(get=MEMBERS, open=True),
    "readyz": Row(get=MEMBERS, open=True),
    # From this machine, as these tests are; from elsewhere with the token only
    # (tests/operations/test_watching.py).
    "realtime_health": Row(get=MEMBERS, open=True),
    "metrics": Row(get=MEMBERS, open=True),
    # How delivery goes, for whoever runs it: in numbers, and nobody's.
    "operations:page": Row(get=ADMINS),
    "operations:now": Row(get=ADMINS),
    "operations:glance": Row(get=ADMINS),
    "operations:history": Row(get=ADMINS),
    "operations:snapshot": Row(get=ADMINS),
    # Signing in and out
    "portal:start": Row(get=MEMBERS),
    "portal:sign_in": Row(get=MEMBERS, post=MEMBERS, open=True),
    "portal:sign_out": Row(post=MEMBERS, open=True),
    "portal:sign_out_everywhere": Row(post=MEMBERS),
    # Which organization is in the body; without one it is no organization of theirs: 404.
    "portal:organization_switch": Row(get=MEMBERS),
    "portal:session": Row(get=MEMBERS, post=MEMBERS),
    "portal:account": Row(get=MEMBERS),
    "portal:password_change": Row(get=MEMBERS, post=MEMBERS),
    "portal:session_end": Row(post=MEMBERS),
    "portal:theme": Row(post=MEMBERS),
    "portal:kept_text": Row(get=MEMBERS, post=MEMBERS),
    "portal:password_reset": Row(get=MEMBERS, post=MEMBERS, open=True),
    "portal:password_reset_sent": Row(get=MEMBERS, open=True),
    "portal:password_reset_done": Row(get=MEMBERS, open=True),
    "portal:password_reset_confirm": Row(
        get=MEMBERS, post=MEMBERS, fixed={"uid": "nobody", "token": "nothing"}, open=True
    ),
    # The token is the right; one that leads nowhere is an unknown address.
    "portal:invitation": Row(fixed={"token": "nothing"}, open=True),
    # Frames
    "portal:home": Row(get=PATIENTS),
    "portal:dashboard": Row(get=CLINICAL | ADMINS),
    # A search is a POST: no name in an address.
    "portal:patients": Row(get=CLINICAL | ADMINS, post=CLINICAL | ADMINS),
    "portal:chart": Row(get=TEAM, takes=("patient_id",)),
    "portal:team": Row(get=TEAM, takes=("patient_id",)),
    "portal:patient_invitation": Row(
        get=TEAM | {"admin"}, post=TEAM | {"admin"}, takes=("patient_id",)
    ),
    # The record
    "care:my_health": Row(get=PATIENTS),
    "care:home_greeting": Row(get=PATIENTS),
    "care:home_plan": Row(get=PATIENTS),
    "care:home_readings": Row(get=PATIENTS),
    "care:home_check_in": Row(get=PATIENTS),
    "care:dashboard_patients": Row(get=CLINICAL),
    # Check-ins: whose they are is in `?patient=`; without it, the reader's own.
    "care:check_ins": Row(get=PATIENTS),
    "care:check_in": Row(get=_OF_HARBOUR, post=_OF_HARBOUR, takes=("questionnaire_id",)),
    # Somebody's own words: nobody answers in their name, those around them read.
    "care:question": Row(
        get=frozenset({"ana"}),
        post=frozenset({"ana"}),
        takes=("response_id",),
        fixed={"number": "1"},
    ),
    "care:advice": Row(get=frozenset({"ana"}), takes=("response_id",), fixed={"number": "1"}),
    "care:answers": Row(get=OWN_SIDE, post=frozenset({"ana"}), takes=("response_id",)),
    "care:panel_questionnaires": _panel(),
    "care:panel_early_warning": _panel(),
    # A clinician's decision: a nurse of the team measures by it.
    "care:oxygen_target": Row(post=frozenset({"ada"}), takes=("patient_id",)),
    "care:trend": Row(get=TEAM | OWN_SIDE, takes=("patient_id",), fixed={"code": "29463-7"}),
    "care:result_trend": Row(get=TEAM | OWN_SIDE, takes=("patient_id", "result_id")),
    # Patients enter one reading at a time for themselves or for whom they care, the team a set.
    "care:new_reading": Row(get=PATIENTS),
    "care:new_reading_of": Row(get=PATIENTS, post=PATIENTS, fixed={"word": "pulse"}),
    "care:new_round": Row(get=TEAM, post=TEAM, takes=("patient_id",)),
    "care:reading": Row(get=TEAM | OWN_SIDE, takes=("patient_id", "reading_id")),
    # Nobody of Ana's side entered it.
    "care:correct_reading": Row(get=TEAM, post=TEAM, takes=("patient_id", "reading_id")),
    "care:withdraw_reading": Row(post=TEAM, takes=("patient_id", "reading_id")),
    "care:panel_summary": _record_panel(),
    "care:panel_vitals": _record_panel(),
    "care:panel_plan": _record_panel(),
    "care:panel_medications": _record_panel(),
    "care:panel_conditions": _record_panel(),
    "care:panel_laboratory": _record_panel(),
    "care:panel_encounters": _record_panel(),
    # Messages
    # An administrator finds an empty list, which says why: the rail leads there.
    "messaging:index": Row(get=MEMBERS),
    "messaging:new": Row(get=PATIENTS | CLINICAL, post=PATIENTS | CLINICAL),
    "messaging:badge": Row(get=MEMBERS),
    "messaging:delivery": Row(post=MEMBERS),
    "messaging:thread": Row(get=OWN_SIDE | TEAM, takes=("conversation_id",)),
    "messaging:messages": Row(
        get=OWN_SIDE | TEAM, post=OWN_SIDE | TEAM, takes=("conversation_id",)
    ),
    "messaging:read": Row(post=OWN_SIDE | TEAM, takes=("conversation_id",)),
    "messaging:panel": _panel(),
    "messaging:dashboard": Row(get=CLINICAL),
    "messaging:home": Row(get=PATIENTS),
    # Notifications
    "notifications:index": Row(get=MEMBERS),
    "notifications:bell": Row(get=MEMBERS),
    "notifications:count": Row(get=MEMBERS),
    "notifications:latest": Row(get=MEMBERS),
    "notifications:read_all": Row(post=MEMBERS),
    "notifications:read": Row(post=frozenset({"ana"}), takes=("notification_id",)),
    "notifications:wishes": Row(get=MEMBERS, post=MEMBERS),
    "notifications:phone": Row(post=MEMBERS),
    "notifications:phone_code": Row(post=MEMBERS),
    "notifications:phone_removal": Row(post=MEMBERS),
    "notifications:devices": Row(post=MEMBERS),
    "notifications:device_removal": Row(post=MEMBERS),
    "notifications:service_worker": Row(get=MEMBERS, open=True),
    # Visits
    "appointments:index": Row(get=MEMBERS),
    "appointments:panel": _panel(),
    "appointments:today": Row(get=CLINICAL),
    "appointments:home": Row(get=PATIENTS),
    "appointments:ics": Row(get=OWN_SIDE | TEAM, takes=("appointment_id",)),
    # The token is the right; one that leads nowhere is an unknown address.
    "appointments:feed": Row(fixed={"token": "nothing"}, open=True),
    # Booking: whose it is is in `?patient=` or the body; a visit type is of the whole clinic.
    "appointments:new": Row(get=PATIENTS),
    "appointments:times": Row(get=_OF_HARBOUR, takes=("visit_type_id",)),
    "appointments:holds": Row(post=PATIENTS),
    "appointments:hold": Row(get=OWN_SIDE, post=OWN_SIDE, takes=("hold_id",)),
    "appointments:hold_release": Row(post=OWN_SIDE, takes=("hold_id",)),
    "appointments:wait": Row(get=_OF_HARBOUR, post=_OF_HARBOUR, takes=("visit_type_id",)),
    "appointments:leave": Row(post=OWN_SIDE, takes=("entry_id",)),
    "appointments:offer": Row(get=OWN_SIDE, post=OWN_SIDE, takes=("offer_id",)),
    # One's own calendar, and what reminders to oneself may say.
    "appointments:my_calendar": Row(get=PATIENTS | CLINICAL),
    "appointments:feed_address": Row(post=PATIENTS | CLINICAL),
    "appointments:feed_end": Row(post=PATIENTS | CLINICAL),
    "appointments:consent": Row(post=PATIENTS | CLINICAL),
    "appointments:visit": Row(get=OWN_SIDE, takes=("appointment_id",)),
    "appointments:new_time": Row(get=OWN_SIDE, takes=("appointment_id",)),
    "appointments:confirmation": Row(post=OWN_SIDE, takes=("appointment_id",)),
    "appointments:readiness": Row(get=OWN_SIDE, post=OWN_SIDE, takes=("appointment_id",)),
    "appointments:answers": Row(get=OWN_SIDE, post=OWN_SIDE, takes=("appointment_id",)),
    "appointments:calling_off": Row(get=OWN_SIDE, post=OWN_SIDE, takes=("appointment_id",)),
    # The schedule: everybody's times, the names of one's own patients
    "appointments:day": Row(get=CLINICAL),
    "appointments:week": Row(get=CLINICAL),
    "appointments:staff_new": Row(get=CLINICAL, post=CLINICAL),
    "appointments:blocks": Row(get=CLINICAL, post=CLINICAL),
    "appointments:withdrawal": Row(post=ON_CALL, takes=("block_id",)),
    "appointments:day_move": Row(get=CLINICAL, post=CLINICAL),
    "appointments:staff_waiting": Row(get=CLINICAL, post=CLINICAL),
    "appointments:staff_leaving": Row(post=TEAM, takes=("entry_id",)),
    "appointments:report": Row(get=CLINICAL | ADMINS),
    "appointments:report_rows": Row(get=CLINICAL | ADMINS),
    "appointments:staff_visit": Row(get=TEAM, takes=("appointment_id",)),
    "appointments:staff_arrival": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_completion": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_absence": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_reopening": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_lateness": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_move": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_cancellation": Row(post=TEAM, takes=("appointment_id",)),
    "appointments:staff_claim": Row(post=TEAM, takes=("appointment_id",)),
    # Alerts
    "alerts:index": Row(get=CLINICAL),
    "alerts:notices": Row(get=CLINICAL, post=CLINICAL),
    "alerts:bar": Row(get=CLINICAL),
    # Which alerts is in the body; those of others are passed over.
    "alerts:sightings": Row(post=CLINICAL),
    # To administrators in numbers alone.
    "alerts:report": Row(get=CLINICAL | ADMINS),
    "alerts:report_rows": Row(get=CLINICAL | ADMINS),
    "alerts:alert": Row(get=TEAM, takes=("alert_id",)),
    "alerts:acknowledgement": Row(post=TEAM, takes=("alert_id",)),
    "alerts:acts": Row(post=TEAM, takes=("alert_id",)),
    "alerts:handover": Row(post=TEAM, takes=("alert_id",)),
    "alerts:snooze": Row(post=TEAM, takes=("alert_id",)),
    "alerts:escalation": Row(post=TEAM, takes=("alert_id",)),
    "alerts:closure": Row(post=TEAM, takes=("alert_id",)),
    "alerts:panel": _panel(),
    "alerts:banner": _panel(),
    # On call
    "alerts:rota": Row(get=CLINICAL | ADMINS),
    "alerts:rota_calendar": Row(get=STAFF, takes=("rota_id",)),
    "alerts:rota_handovers": Row(post=STAFF, takes=("rota_id",)),
    "alerts:rota_turn": Row(get=STAFF, **_TURN),
    "alerts:rota_taking": Row(post=ON_CALL, **_TURN),
    "alerts:rota_leaving": Row(post=ON_CALL, **_TURN),
    "alerts:rota_swap": Row(post=ON_CALL, **_TURN),
    # Ada asked Noor.
    "alerts:rota_agreement": Row(post=frozenset({"noor"}), takes=("swap_id",)),
    "alerts:rota_swap_end": Row(post=TEAM | {"admin"}, takes=("swap_id",)),
    # Whose it is not is told so.
    "alerts:rota_withdrawal": Row(post=STAFF, takes=("override_id",)),
    # The API, to people with the session of their browser: programs are in tests/api
    "api:api-root": Row(),
    "api:openapi-json": Row(get=MEMBERS, post=MEMBERS, open=True),
    # Of whom is in the query or the body.
    "api:observations": Row(get=MEMBERS, post=MEMBERS),
    "api:observation_search": Row(post=MEMBERS),
    "api:observation": Row(get=OWN_SIDE | TEAM, takes=("observation_id",)),
    # For which patient is asked of each search and each booking.
    "api:slots": Row(get=MEMBERS),
    "api:slot": Row(get=_OF_HARBOUR | STAFF, takes=("slot_id",)),
    "api:appointments": Row(get=MEMBERS, post=MEMBERS),
    "api:appointment_search": Row(post=MEMBERS),
    "api:appointment_find": Row(post=MEMBERS),
    "api:appointment_hold": Row(post=MEMBERS),
    "api:appointment_book": Row(post=MEMBERS),
    "api:appointment": Row(get=OWN_SIDE | TEAM, takes=("appointment_id",)),
    # The engine
    "realtime:changes": Row(post=MEMBERS),
}
