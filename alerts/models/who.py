"""Whose alerts somebody sees, as a policy says it; `portal.access.watched_patients` in Python."""

from portal.rls import SYSTEM

# The care team, and whoever an escalation has called to this patient.
OF_WATCHED_PATIENT = f"({SYSTEM} OR patient_id IN (SELECT portal_watched_patients()))"
