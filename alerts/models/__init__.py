"""What must not be missed: rules, alerts, their history, and what comes next."""

from alerts.models.alarm import AuditorAlarm
from alerts.models.alert import Alert, Outcome, Phase
from alerts.models.judgement import Judgement
from alerts.models.policy import EscalationPolicy, PolicyVersion
from alerts.models.reading import AlertReading
from alerts.models.record import AlertRecord
from alerts.models.rota import Rota, Shift
from alerts.models.rule import Rule, RuleKind, RuleOverride, RuleVersion
from alerts.models.severity import Severity
from alerts.models.shift_override import Handover, ShiftOverride, ShiftSwap
from alerts.models.step import AlertStep, StepKind

__all__ = [
    "Alert",
    "AlertReading",
    "AlertRecord",
    "AlertStep",
    "AuditorAlarm",
    "EscalationPolicy",
    "Handover",
    "Judgement",
    "Outcome",
    "Phase",
    "PolicyVersion",
    "Rota",
    "Rule",
    "RuleKind",
    "RuleOverride",
    "RuleVersion",
    "Severity",
    "Shift",
    "ShiftOverride",
    "ShiftSwap",
    "StepKind",
]
