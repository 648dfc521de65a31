"""Every page, and who opens it: what the tests of accessibility and wording walk through."""

from types import SimpleNamespace

# Names of the cast by role; nobody is signed in as "stranger".
ROLES = {
    "stranger": None,
    "patient": "ana",
    "caregiver": "sam",
    "clinician": "ada",
    "nurse": "noor",
    "admin": "admin",
}

_OWN_SIDE = {
    "home": "/home/",
    "messages": "/messages/",
    "thread": "/messages/{conversation}/",
    "new message": "/messages/new/",
    "notifications": "/notifications/",
    "health": "/health/",
    "visits": "/visits/",
    "booking": "/visits/new/",
    "times": "/visits/new/{kind_of_visit}/",
    "times to look at": "/visits/new/{kind_to_look_at}/",
    "time that is kept": "/visits/holds/{kept}/",
    "visit": "/visits/{visit}/",
    "new time": "/visits/{visit}/times/",
    "waiting list": "/visits/new/{kind_of_visit}/waiting/?visit={visit}",
    "offer": "/visits/offers/{offer}/",
    "calendar and reminders": "/visits/calendar/",
    "check-in for a visit": "/visits/{visit}/check-in/",
    "answers before a visit": "/visits/{visit}/answers/",
    "calling off": "/visits/{visit}/calling-off/",
    "trend": "/patients/{ana}/vitals/8867-4/",
    "adding a reading": "/health/readings/",
    "adding a pressure": "/health/readings/pressure/",
    "adding a temperature": "/health/readings/temperature/",
    "adding a pain": "/health/readings/pain/",
    "reading": "/patients/{ana}/readings/{reading}/",
    "trend of a result": "/patients/{ana}/results/{result}/",
    "account": "/account/",
    "how one is told": "/account/notifications/",
    "check-ins": "/check-ins/",
    "check-in": "/check-ins/{check_in}/",
    "answers": "/check-ins/answers/{sent}/",
}
_STAFF = {
    "dashboard": "/dashboard/",
    "patients": "/patients/",
    "chart": "/patients/{ana}/",
    "inbox": "/messages/",
    "thread": "/messages/{conversation}/",
    "on call": "/rota/{rota}/",
    "shift": "/rota/{rota}/{shift}/{shift_on}/",
    "alerts": "/alerts/",
    "alert": "/alerts/{alert}/",
}
_PANELS = ("summary", "vitals", "plan", "medications", "conditions", "laboratory", "encounters",
           "messages", "visits", "questionnaires", "news2", "alerts")  # fmt: skip

PAGES: dict[str, dict[str, str]] = {
    "stranger": {
        "sign in": "/sign-in/",
        "password reset": "/password/reset/",
        "password reset sent": "/password/reset/sent/",
        "new password": "/password/reset/{reset_user}/{reset_token}/",
        "password reset over": "/password/reset/{reset_user}/over/",
        "password reset done": "/password/reset/done/",
        "invitation": "/invitations/{invitation}/",
        "not found": "/nothing/here/",
    },
    "patient": {
        **_OWN_SIDE,
        "password": "/account/password/",
        "changing a reading": "/patients/{ana}/readings/{reading}/correction/",
        "question": "/check-ins/answers/{begun}/9/",
        "help": "/check-ins/answers/{begun}/9/help/",
        "answers to send": "/check-ins/answers/{begun}/",
    },
    "caregiver": {**_OWN_SIDE, "question": "/check-ins/answers/{sent}/1/"},
    "clinician": {
        **_STAFF,
        "new message": "/messages/new/",
        "notifications": "/notifications/",
        "alert in hand": "/alerts/{taken}/",
        "on call, five weeks": "/rota/{rota}/?show=month",
        "closed alerts": "/alerts/?show=closed",
        "closed alert": "/alerts/{ended}/",
        "notices": "/alerts/notices/",
        "report": "/alerts/report/",
        "visits": "/visits/",
        "schedule": "/schedule/",
        "schedule of a week": "/schedule/week/",
        "visit in the schedule": "/schedule/visits/{visit}/",
        "booking for a patient": "/schedule/visits/new/",
        "blocking time": "/schedule/blocks/",
        "moving a day": "/schedule/day-move/",
        "waiting list": "/schedule/waiting/",
        "use of time": "/schedule/report/",
        "trend": "/patients/{ana}/vitals/85354-9/",
        "trend of a result": "/patients/{ana}/results/{result}/",
        "round": "/patients/{ana}/round/",
        "reading": "/patients/{ana}/readings/{reading}/",
        "correcting a reading": "/patients/{ana}/readings/{reading}/correction/",
        "account": "/account/",
        "how one is told": "/account/notifications/",
        "inviting": "/patients/{dora}/invitation/",
        **{f"panel {name}": f"/patients/{{ana}}/panels/{name}/" for name in _PANELS},
    },
    "nurse": _STAFF,
    "admin": {
        "dashboard": "/dashboard/",
        "patients": "/patients/",
        "notifications": "/notifications/",
        "account": "/account/",
        "how one is told": "/account/notifications/",
        "administration": "/admin/",
        "on call": "/rota/{rota}/",
        "report": "/alerts/report/",
        "operations": "/operations/",
        "operations in tables": "/operations/?span=day&as=tables",
        "rota": "/admin/alerts/rota/{rota}/change/",
    },
}
# Pages whose own status a browser writes into its console.
REFUSED = {"not found": 404, "password reset over": 410}

EVERY = [(role, page) for role, pages in PAGES.items() for page in pages]
# What shows the same to somebody else is rendered by a browser once: a caregiver's pages that do
# not say whose they are, a nurse's that are a clinician's, panels that stand on the chart.
_SHOWN_BEFORE = {
    "caregiver": _OWN_SIDE.keys() - {"home", "health", "visits", "booking", "visit", "check-ins"},
    "nurse": _STAFF.keys() - {"dashboard", "chart"},
    "clinician": {f"panel {name}" for name in _PANELS} - {"panel summary"},
}
SHOWN = [(role, page) for role, page in EVERY if page not in _SHOWN_BEFORE.get(role, ())]


def path_of(role: str, page: str, day: SimpleNamespace) -> str:
    """The address of a page on that day (tests/ordinary_day.py)."""
    return PAGES[role][page].format(**vars(day))
