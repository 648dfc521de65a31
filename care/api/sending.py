"""Taking what is sent: one Observation, or a Bundle of them.

The same identifier with the same content is the same observation, and with other content corrects
it. In a batch each entry stands alone; of a transaction all is stored or nothing. All of it becomes
true with the commit of the request, before the answer leaves.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from care import errors
from care.actions import Fate, Identifier, Recorded
from care.api.doors import Caller, organization_of
from care.fhir import observation
from care.fhir.dates import Dates
from care.fhir.entry import Context
from care.fhir.errors import Refused
from care.fhir.references import References
from care.fhir.text import clean
from care.fhir.validation import Invalid, validated
from care.reported import Reported
from portal.api.outcomes import Issue, Unusable
from portal.models import Patient

# A night's backlog of one monitor; more belongs into more requests, or into `import_fhir`.
MOST_ENTRIES = 200
_REFERENCE = re.compile(r"(?:.*/)?Patient/([0-9a-fA-F-]{36})")
_PLACES = {
    errors.UnitRefused: "Observation.value",
    errors.ReadingOutOfTime: "Observation.effective",
}


@dataclass(frozen=True)
class Sent:
    """What became of one Observation."""

    recorded: Recorded
    identifier: Identifier

    @property
    def status(self) -> int:
        return 201 if self.recorded.fate is Fate.NEW else 200


@dataclass(frozen=True)
class _Ready:
    """An Observation that may be recorded."""

    patient: Patient
    reported: Reported
    identifier: Identifier


class Sending:
    """One request's resources, in its caller's name."""

    def __init__(self, caller: Caller) -> None:
        caller.may_write()
        self.caller = caller
        dates = Dates(organization_of(caller).zone)
        self.context = Context(dates, References({}), lambda name: None)

    def take(self, resource: Any) -> Sent:
        """Record one Observation; raises Unusable, and then nothing of it is stored."""
        return self._record(self._ready(resource))

    def take_batch(self, resources: list[Any]) -> list[Sent | Unusable]:
        """Record what can be recorded; in the order of the entries what became of each."""
        ready = [self._tried(self._ready, each) for each in resources]
        return self._recorded(ready)

    def take_transaction(self, resources: list[Any]) -> list[Sent]:
        """Record all or nothing; raises Unusable with the mistakes of every entry."""
        with transaction.atomic():
            found = self.take_batch(resources)
            wrong = [
                (index, each) for index, each in enumerate(found) if isinstance(each, Unusable)
            ]
            if wrong:
                issues = [
                    issue.inside(f"Bundle.entry[{index}].resource")
                    for index, each in wrong
                    for issue in each.issues
                ]
                raise Unusable(max(each.status for _, each in wrong), *issues)
        return [each for each in found if isinstance(each, Sent)]

    def _recorded(self, ready: list["_Ready | Unusable"]) -> list[Sent | Unusable]:
        found: dict[int, Sent | Unusable] = {
            index: each for index, each in enumerate(ready) if isinstance(each, Unusable)
        }
        # In one order in every request: two that send the same observations at once would else
        # wait for each other. One identifier twice keeps its order.
        usable = [(index, each) for index, each in enumerate(ready) if isinstance(each, _Ready)]
        for index, each in sorted(usable, key=lambda pair: pair[1].identifier):
            found[index] = self._tried(self._record, each)
        return [found[index] for index in range(len(ready))]

    def _tried(self, step: Any, value: Any) -> Any:
        if isinstance(value, Unusable):
            return value
        try:
            return step(value)
        except Unusable as wrong:
            return wrong

    def _ready(self, resource: Any) -> _Ready:
        if not isinstance(resource, dict) or resource.get("resourceType") != "Observation":
            raise Unusable(422, Issue("not-supported", "is no Observation", "Observation"))
        try:
            model = validated(resource)
            identifier = _identifier(model)
            reported = observation.reported(model, self.context)
        except Invalid as invalid:
            raise Unusable(
                422, *(Issue("structure", why, _path(place)) for place, why in invalid.mistakes)
            ) from None
        except Refused as refused:
            raise Unusable(422, Issue("business-rule", str(refused), "Observation")) from None
        return _Ready(self._patient(model.subject), reported, identifier)

    def _patient(self, subject: Any) -> Patient:
        """The patient that an Observation is about; whoever is not here is said to be unknown."""
        name = _name(subject)
        try:
            return self.caller.patient_to_write(**name)
        except Patient.DoesNotExist:
            reason = "names no patient for whom you may send"
            raise Unusable(422, Issue("not-found", reason, "Observation.subject")) from None

    def _record(self, ready: _Ready) -> Sent:
        try:
            # One that fails leaves the others, and what was said about it, as they are.
            with transaction.atomic():
                recorded = self.caller.record(ready.patient, ready.reported, ready.identifier)
        except (errors.IdentifierTaken, IntegrityError):
            # Whoever's it is: of another patient, or of a sender whom the caller does not see.
            reason = "names an observation that is not yours to change"
            raise Unusable(409, Issue("duplicate", reason, "Observation.identifier")) from None
        except errors.ReadingError as error:
            path = _PLACES.get(type(error), "Observation")
            raise Unusable(422, Issue("business-rule", str(error), path)) from None
        except DataError:
            raise Unusable(422, Issue("value", "has a value that cannot be stored")) from None
        return Sent(recorded, ready.identifier)


def entries_of(bundle: dict[str, Any]) -> list[Any]:
    """The resources of a batch or transaction; raises Unusable with every entry that asks for
    something else than to be created."""
    entries = bundle.get("entry")
    if bundle.get("type") not in ("batch", "transaction"):
        raise Unusable(422, Issue("value", "must be batch or transaction", "Bundle.type"))
    if not isinstance(entries, list) or not entries:
        raise Unusable(422, Issue("required", "has no entry", "Bundle.entry"))
    if len(entries) > MOST_ENTRIES:
        reason = f"has more than {MOST_ENTRIES} entries: send them in several requests"
        raise Unusable(413, Issue("too-long", reason, "Bundle.entry"))
    issues = [
        Issue("not-supported", "must be POST Observation", f"Bundle.entry[{index}].request")
        for index, entry in enumerate(entries)
        if not _asks_to_create(entry)
    ]
    if issues:
        raise Unusable(422, *issues)
    return [entry.get("resource") for entry in entries]


def _asks_to_create(entry: Any) -> bool:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        return False
    url = request.get("url")
    return request.get("method") == "POST" and isinstance(url, str) and url.strip("/") in {
        "Observation",
        "observations",
    }  # fmt: skip


def _identifier(model: Any) -> Identifier:
    for each in model.identifier or []:
        if each.value:
            return Identifier(clean(each.system), clean(each.value))
    raise Unusable(
        422,
        Issue(
            "required",
            "needs an identifier, so that sending it again doubles nothing",
            "Observation.identifier",
        ),
    )


def _name(subject: Any) -> dict[str, Any]:
    """How a subject names its patient: by our id, or by the clinic's record number."""
    wanted = Issue(
        "value",
        "must be Patient/ with an id of this portal, or an identifier of type MR (or without type"
        " and system) with the record number",
        "Observation.subject",
    )
    if subject is None:
        raise Unusable(422, wanted)
    if found := _REFERENCE.fullmatch(clean(subject.reference)):
        try:
            return {"by_id": UUID(found[1])}
        except ValueError:
            raise Unusable(422, wanted) from None
    identifier = subject.identifier
    if subject.reference or identifier is None or not identifier.value:
        raise Unusable(422, wanted)
    kinds = [coding.code for coding in (identifier.type and identifier.type.coding) or []]
    # A number of another register may be somebody else's here.
    if "MR" in kinds or (not identifier.type and not identifier.system):
        return {"by_mrn": clean(identifier.value)}
    raise Unusable(422, wanted)


def _path(place: str) -> str:
    """A place as FHIRPath writes it: `component.0.code` gives `Observation.component[0].code`."""
    # “root” is the validator's word for a value that is no object.
    parts = [part for part in place.split(".") if part not in {"", "root"}]
    return "Observation" + "".join(
        f"[{part}]" if part.isdecimal() else f".{part}" for part in parts
    )
