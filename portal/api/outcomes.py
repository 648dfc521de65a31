"""What is wrong, as FHIR says it: an OperationOutcome with a path and a reason for each mistake.

Wrong
├── Unusable       what was sent cannot be taken (400, 409, 413, 415, 422)
├── NotAllowed     the key has not this scope, or the page not its proof (403)
└── TooMany        the account's minute is full (429)

Reasons quote nothing that was sent: it may be somebody's name or result.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True)
class Issue:
    """One mistake: FHIR's word for its kind, a sentence, and where it is."""

    code: str
    reason: str
    path: str = ""

    def inside(self, place: str) -> "Issue":
        """The same mistake, of a resource that stands at `place`."""
        path = f"{place}.{self.path.partition('.')[2]}".rstrip(".") if self.path else place
        return Issue(self.code, self.reason, path)


class Wrong(Exception):
    """A request that is not answered with what it asked for."""

    def __init__(self, status: int, *issues: Issue) -> None:
        super().__init__(status)
        self.status, self.issues = status, issues


class Unusable(Wrong):
    """What was sent cannot be taken."""


class NotAllowed(Wrong):
    """Whoever is calling may not do this here, whatever they send."""

    def __init__(self, reason: str) -> None:
        super().__init__(403, Issue("forbidden", reason))


class TooMany(Wrong):
    """Too many requests in this minute."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, Issue("throttled", f"Wait {seconds} seconds."))
        self.seconds = seconds


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """An OperationOutcome."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": issue.code,
                "diagnostics": issue.reason,
                **({"expression": [issue.path]} if issue.path else {}),
            }
            for issue in issues
        ],
    }


def answer(resource: dict[str, Any], status: int = 200, **headers: str) -> HttpResponse:
    """A resource as a response."""
    body = json.dumps(resource, default=_number, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=FHIR_JSON, headers=headers)


def refusal(wrong: Wrong) -> HttpResponse:
    """The response to a request that is wrong."""
    headers = {"Retry-After": str(wrong.seconds)} if isinstance(wrong, TooMany) else {}
    return answer(outcome(wrong.issues), wrong.status, **headers)


def unknown_caller() -> HttpResponse:
    """The answer to whoever has no key and no session, or a key that opens nothing: always this."""
    issue = Issue("login", "Send the key of a service account in the Authorization header.")
    return answer(outcome([issue]), 401, **{"WWW-Authenticate": 'Bearer realm="Vigil"'})


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value).__name__)
