"""Who may change what a clinic knows about a patient: policies that the tables here share."""

from portal.rls import OF_CARE_TEAM_PATIENT, OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, Policy

# A place on the care team may be for reading only, and a patient may write messages and readings
# but not their own diagnoses: so both conditions.
BY_CARE_TEAM = f"({OF_WRITABLE_PATIENT} AND {OF_CARE_TEAM_PATIENT})"


def record_policy(name: str) -> Policy:
    """The policy of a part of the record: read by whom the patient is visible to, written by the
    care team, never deleted."""
    return Policy(
        name=name,
        read=OF_VISIBLE_PATIENT,
        write=BY_CARE_TEAM,
        delete="false",
        privileges=("SELECT", "INSERT", "UPDATE"),
    )
