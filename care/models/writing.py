"""Who may change what a clinic knows about a patient: policies that the tables here share."""

from portal.rls import OF_CARE_TEAM_PATIENT, OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, SYSTEM, Policy

# A place on the care team may be for reading only, and a patient may write messages and readings
# but not their own diagnoses: so both conditions.
BY_CARE_TEAM = f"({OF_WRITABLE_PATIENT} AND {OF_CARE_TEAM_PATIENT})"

# A program with a key (portal/sql/portal_service_account.v1.sql): one that may read sees every
# observation of its clinic, one that may write adds its own and corrects those, and no others.
MAY_READ = "(SELECT portal_service_may('observations:read'))"
MAY_WRITE = "(SELECT portal_service_may('observations:write'))"
SENT = "sent_by_id = (SELECT portal_service())"
BY_SENDER = f"({MAY_WRITE} AND {SENT} AND portal_is_patient_here(patient_id))"
# The same of a row that only names a measurement, by `row_id`.
# (Conditions of our own declarations; nothing in them comes from a person.)
IS_OF_SENDER = f"""(
    EXISTS (SELECT FROM vital_signs WHERE vital_signs.id = row_id AND {SENT})
    OR EXISTS (SELECT FROM results WHERE results.id = row_id AND {SENT})
)"""  # noqa: S608
# Asked under the policies of the measurements themselves.
IS_OF_VISIBLE_MEASUREMENT = """resource_type = 'Observation' AND (
    EXISTS (SELECT FROM vital_signs WHERE vital_signs.id = row_id)
    OR EXISTS (SELECT FROM results WHERE results.id = row_id)
)"""
IS_OF_OWN_MEASUREMENT = f"""resource_type = 'Observation' AND (
    {MAY_WRITE} AND {IS_OF_SENDER}
    OR EXISTS (
        SELECT FROM vital_signs
        WHERE vital_signs.id = row_id AND recorded_by_id = (SELECT portal_user())
    )
    OR EXISTS (SELECT FROM results WHERE results.id = row_id AND {BY_CARE_TEAM})
)"""  # noqa: S608
# Nobody else says of a row that a program sent it.
NOT_FORGED = f"({SYSTEM} OR sent_by_id IS NULL)"


def measurement_policy(name: str, *, insert: str, write: str) -> Policy:
    """The policy of measurements: as a part of the record, and open to the programs that send."""
    return Policy(
        name=name,
        read=f"{OF_VISIBLE_PATIENT} OR {MAY_READ} OR {SENT}",
        insert=f"({insert}) AND {NOT_FORGED} OR {BY_SENDER}",
        write=f"{write} OR {BY_SENDER}",
        delete="false",
        privileges=("SELECT", "INSERT", "UPDATE"),
    )


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
