"""What people and senders do to measurements: each action is door, rule, write, record."""

from care.actions.observations import Identifier, Recorded, record_observation
from care.actions.vital_signs import (
    Taken,
    correct_vital_sign,
    implausible_codes,
    record_vital_sign,
    record_vital_signs,
    withdraw_vital_sign,
)
from care.fhir.outcome import Fate

__all__ = [
    "Fate",
    "Identifier",
    "Recorded",
    "Taken",
    "correct_vital_sign",
    "implausible_codes",
    "record_observation",
    "record_vital_sign",
    "record_vital_signs",
    "withdraw_vital_sign",
]
