"""Whoever has power over the database changes the audit log, and is found: what, and where."""

import uuid

import psycopg
import pytest

from portal import audit_chain
from portal.management import verification
from portal.management.verification import Kind
from portal.models import AuditEntry
from tests.audit.rows import as_owner, deviations, seals
from tests.triggers import switched_off

ANOTHER_DIGIT = (
    "(left({0}::text, 35)"
    " || translate(right({0}::text, 1), '0123456789abcdef', '123456789abcdef0'))::uuid"
)
# The least that can be changed in each column.
CHANGES = {
    "id": ANOTHER_DIGIT.format("id"),
    "organization_id": ANOTHER_DIGIT.format("organization_id"),
    "at": "at + interval '1 microsecond'",
    "actor_id": ANOTHER_DIGIT.format("actor_id"),
    "action": "action || ' '",
    "subject_type": "'x'",
    "subject_id": "gen_random_uuid()",
    "patient_id": "NULL",
    "detail": "detail || '{\"a\": 1.10}'",
}


def test_what_nobody_touched_verifies(sealed, other_clinic):
    sealed(2)
    sealed(2, organization=other_clinic)

    assert deviations() == []


def test_the_empty_log_verifies(committed):
    assert deviations() == []


def test_every_column_is_tried():
    assert set(CHANGES) == {field.column for field in AuditEntry._meta.concrete_fields}


@pytest.mark.parametrize("column", sorted(set(CHANGES) - {"id", "organization_id"}))
def test_one_changed_byte_is_found(sealed, superuser, column):
    entry = sealed(3)[1]
    with switched_off(superuser.cursor(row_factory=psycopg.rows.tuple_row), "audit_logs"):
        superuser.execute(
            f"UPDATE audit_logs SET {column} = {CHANGES[column]} WHERE id = %s", [entry]
        )

    assert deviations() == [(Kind.CHANGED, entry)]


def test_another_id_is_found_on_both_sides(sealed, overruled):
    entry = sealed(3)[1]
    overruled(f"UPDATE audit_logs SET id = {CHANGES['id']} WHERE id = %s", entry)

    found = deviations()
    assert (Kind.REMOVED, entry) in found
    assert [kind for kind, _ in found] == [Kind.NEVER_SEALED, Kind.REMOVED]


def test_an_organization_that_there_is_not_is_found(sealed, overruled):
    entry = sealed(3)[1]
    change = f"organization_id = {CHANGES['organization_id']}"
    overruled(f"UPDATE audit_logs SET {change} WHERE id = %s", entry)

    assert deviations() == [(Kind.REMOVED, entry)]


def test_an_entry_that_was_handed_to_another_clinic_is_found(sealed, overruled, other_clinic):
    entry = sealed(3)[1]
    overruled("UPDATE audit_logs SET organization_id = %s WHERE id = %s", other_clinic.pk, entry)

    assert deviations() == [(Kind.MOVED, entry)]


def test_an_entry_that_was_handed_to_another_clinic_with_its_seal_is_found(
    sealed, overruled, other_clinic
):
    entry = sealed(3)[1]
    for table, key in (("audit_logs", "id"), ("audit_seals", "entry_id")):
        overruled(
            f"UPDATE {table} SET organization_id = %s WHERE {key} = %s", other_clinic.pk, entry
        )

    assert deviations() == [(Kind.CHANGED, entry)]


def test_a_removed_entry_is_found(sealed, overruled):
    entry = sealed(3)[1]
    overruled("DELETE FROM audit_logs WHERE id = %s", entry)

    assert deviations() == [(Kind.REMOVED, entry)]


def test_an_entry_that_was_removed_before_it_was_sealed_is_found(written, overruled):
    entry = written(3)[1]
    overruled("DELETE FROM audit_logs WHERE id = %s", entry)
    audit_chain.seal_batch()

    assert deviations() == [(Kind.REMOVED, entry)]


def test_an_entry_that_was_put_in_between_is_found(sealed, overruled, clinic):
    sealed(3)
    strange = uuid.uuid4()
    overruled(
        "INSERT INTO audit_logs (id, organization_id, at, action, subject_type, detail)"
        " VALUES (%s, %s, now() - interval '1 day', 'test.put_in', '', '{}')",
        strange,
        clinic.pk,
    )
    audit_chain.seal_batch()

    assert deviations() == [(Kind.NEVER_SEALED, strange)]


@pytest.mark.parametrize("number", [-1, 0])
def test_a_seal_of_its_own_before_the_first_hides_nothing(sealed, overruled, clinic, number):
    sealed(1)
    strange = uuid.uuid4()
    overruled(
        "INSERT INTO audit_logs (id, organization_id, at, action, subject_type, detail)"
        " VALUES (%s, %s, now(), 'test.put_in', '', '{}')",
        strange,
        clinic.pk,
    )
    overruled(
        "INSERT INTO audit_seals VALUES (%s, %s, %s, 1, now(), '\\x00')",
        number,
        strange,
        clinic.pk,
    )

    assert deviations() == [(Kind.CHANGED, strange)]


def test_a_removed_seal_is_found(sealed, overruled):
    entry = sealed(5)[2]
    overruled("DELETE FROM audit_seals WHERE entry_id = %s", entry)

    assert deviations() == [(Kind.NEVER_SEALED, entry), (Kind.SEAL_MISSING, None)]


def test_the_newest_seal_removed_is_found(sealed, overruled):
    entry = sealed(3)[-1]
    overruled("DELETE FROM audit_seals WHERE entry_id = %s", entry)

    assert deviations() == [(Kind.NEVER_SEALED, entry)]


def test_a_removed_entry_with_its_seal_leaves_a_hole(sealed, overruled):
    first, second = sealed(5)[1:3]
    for entry in (first, second):
        overruled("DELETE FROM audit_logs WHERE id = %s", entry)
        overruled("DELETE FROM audit_seals WHERE entry_id = %s", entry)

    (found,) = verification.whole()
    assert found.kind is Kind.SEAL_MISSING
    assert "The seals 2 to 3 are missing" in found.what


def test_numbers_that_were_closed_up_do_not_hide_it(sealed, overruled):
    made = sealed(5)
    overruled("DELETE FROM audit_logs WHERE id = %s", made[1])
    overruled("DELETE FROM audit_seals WHERE number = 2")
    for number in (3, 4, 5):
        overruled("UPDATE audit_seals SET number = number - 1 WHERE number = %s", number)

    assert deviations() == [(Kind.CHANGED, entry) for entry in made[2:]]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("sealed_at = sealed_at - interval '1 microsecond'", Kind.CHANGED),
        ("form = 99", Kind.UNKNOWN_FORM),
        ("organization_id = gen_random_uuid()", Kind.MOVED),
        ("entry_id = gen_random_uuid()", Kind.REMOVED),
    ],
)
def test_a_changed_seal_is_found(sealed, overruled, change, kind):
    sealed(3)
    overruled(f"UPDATE audit_seals SET {change} WHERE number = 2")

    assert kind in [found for found, _ in deviations()]


def test_a_changed_digest_is_found_at_both_seals_that_it_joins(sealed, overruled):
    made = sealed(4)
    overruled("UPDATE audit_seals SET digest = sha256(digest) WHERE number = 2")

    assert deviations() == [(Kind.CHANGED, made[1]), (Kind.CHANGED, made[2])]


def test_entries_that_nobody_seals_are_found_once_they_are_late(written, overruled):
    oldest = written(2)[0]
    assert deviations() == []
    overruled("UPDATE audit_unsealed SET since = since - interval '6 minutes'")

    assert deviations() == [(Kind.LATE, oldest)]


def test_a_chain_that_was_made_anew_verifies_without_anchors(sealed, overruled):
    """What the anchors are for."""
    made = sealed(3)
    before = seals()
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = %s", made[0])
    seal_anew(overruled)

    assert deviations() == []
    assert [digest for _, _, digest in seals()] != [digest for _, _, digest in before]


def seal_anew(overruled):
    overruled("DELETE FROM audit_seals")
    overruled(
        "INSERT INTO audit_unsealed (entry_id, organization_id)"
        " SELECT id, organization_id FROM audit_logs"
    )
    audit_chain.seal_batch()


def test_however_long_the_chain_is_it_is_read_a_page_at_a_time(sealed, monkeypatch, overruled):
    monkeypatch.setattr(verification, "PAGE", 2)
    made = sealed(7)
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = %s", made[4])
    overruled("DELETE FROM audit_logs WHERE id = %s", made[6])

    assert deviations() == [(Kind.CHANGED, made[4]), (Kind.REMOVED, made[6])]


def test_of_many_entries_beside_the_chain_some_are_named_and_all_counted(
    sealed, overruled, monkeypatch
):
    monkeypatch.setattr(verification, "MOST_NAMED", 2)
    sealed(5)
    overruled("DELETE FROM audit_seals")

    found = list(verification.whole())
    assert [deviation.kind for deviation in found] == [Kind.NEVER_SEALED] * 3
    assert found[-1].what.startswith("… and 3 more")


def test_the_newest_part_can_be_looked_at_alone(sealed, overruled):
    made = sealed(5)
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = ANY (%s)", made[0::3])

    assert [deviation.entry for deviation in verification.chain(2, 5)] == [made[3]]


def test_it_verifies_while_others_write_and_seal(written, sealed):
    """What comes in behind the reader's back is no deviation."""
    sealed(3)
    found = verification.whole()
    first = verification.chain(0, 3)
    written(2)
    audit_chain.seal_batch()

    assert [*found, *first] == []
    assert as_owner("SELECT count(*) FROM audit_seals") == [(5,)]
