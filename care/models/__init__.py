"""The record of a patient: what was measured, found, done and planned."""

from care.models.care_plan import CarePlan, CarePlanActivity
from care.models.condition import Condition
from care.models.correction import Correction
from care.models.early_warning_score import EarlyWarningScore
from care.models.encounter import Encounter
from care.models.fhir_identity import FhirIdentity
from care.models.goal import Goal
from care.models.measurement import Measurement, Source, Status
from care.models.medication import Medication
from care.models.oxygen_target import OxygenTarget
from care.models.procedure import Procedure
from care.models.questionnaire import Questionnaire
from care.models.questionnaire_response import QuestionnaireResponse, ResponseStatus
from care.models.received_message import ReceivedMessage
from care.models.result import Result
from care.models.vital_sign import VitalSign

__all__ = [
    "CarePlan",
    "CarePlanActivity",
    "Condition",
    "Correction",
    "EarlyWarningScore",
    "Encounter",
    "FhirIdentity",
    "Goal",
    "Measurement",
    "Medication",
    "OxygenTarget",
    "Procedure",
    "Questionnaire",
    "QuestionnaireResponse",
    "ReceivedMessage",
    "ResponseStatus",
    "Result",
    "Source",
    "Status",
    "VitalSign",
]
