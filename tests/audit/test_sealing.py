"""Entries get their seals: each one, once and in one order, whoever writes and seals at once."""

import random
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from portal import audit_chain
from portal.models import AuditEntry
from tests.audit.rows import as_owner, deviations, entries, seals

INSERT = (
    "INSERT INTO audit_logs (id, organization_id, at, action, subject_type, detail)"
    " VALUES (%s, %s, now(), 'test.written', '', '{}')"
)
SYSTEM = (
    "SELECT set_config('portal.system', 'on', true), set_config('portal.organization', %s, true)"
)


def numbers():
    return [number for number, _, _ in seals()]


def test_an_entry_is_sealed_in_the_order_of_its_making(written):
    made = written(5)

    assert audit_chain.seal_batch() == 5
    assert [entry for _, entry, _ in seals()] == made
    assert numbers() == [1, 2, 3, 4, 5]
    assert as_owner("SELECT count(*) FROM audit_unsealed") == [(0,)]
    assert audit_chain.head().number == 5


def test_what_is_rolled_back_is_not_waited_for(committed, clinic, connect):
    with connect("application").transaction(force_rollback=True) as rolled_back:
        rolled_back.connection.execute(SYSTEM, [str(clinic.pk)])
        rolled_back.connection.execute(INSERT, [uuid.uuid4(), clinic.pk])

    assert audit_chain.seal_batch() == 0
    assert as_owner("SELECT count(*) FROM audit_unsealed") == [(0,)]


def test_an_open_transaction_keeps_nobody_from_being_sealed(written, clinic, connect):
    late = uuid.uuid4()
    line = connect("application")
    with line.transaction():
        line.execute(SYSTEM, [str(clinic.pk)])
        line.execute(INSERT, [late, clinic.pk])
        written(3)
        assert audit_chain.seal_batch() == 3
    assert audit_chain.seal_batch() == 1
    assert seals()[-1][1] == late
    assert deviations() == []


def test_one_call_seals_so_many_and_the_next_goes_on(written, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    written(5)

    assert [audit_chain.seal_batch() for _ in range(4)] == [2, 2, 1, 0]
    assert numbers() == [1, 2, 3, 4, 5]
    assert deviations() == []


def test_a_second_sealer_does_not_wait(written, connect):
    written(2)
    line = connect("application")
    with line.transaction():
        assert line.execute("SELECT portal_seal_audit(10)").fetchone()["portal_seal_audit"] == 2
        assert audit_chain.seal_batch() == 0
        written(1)
    assert audit_chain.seal_batch() == 1
    assert numbers() == [1, 2, 3]


def test_many_writers_and_sealers_leave_no_hole(committed, clinic, other_clinic, connect):
    """Transactions overlap and end in any order, some of them rolled back, while three seal."""
    over = threading.Event()

    def write(seed):
        """Open a transaction on each of three lines, and end them in another order."""
        dice, kept = random.Random(seed), []
        lines = [connect("application") for _ in range(3)]
        for _ in range(12):
            made = {line: _begun(line, dice.choice([clinic, other_clinic]), dice) for line in lines}
            for line in dice.sample(lines, len(lines)):
                is_kept = dice.random() < 0.8
                line.execute("COMMIT" if is_kept else "ROLLBACK")
                kept += made[line] if is_kept else []
        return kept

    def seal(most):
        line = connect("application")
        while not over.is_set():
            line.execute("SELECT portal_seal_audit(%s)", [most])

    with ThreadPoolExecutor(7) as people:
        sealing = [people.submit(seal, most) for most in (1, 7, 1000)]
        writing = [people.submit(write, seed) for seed in range(4)]
        try:
            wrote = [entry for each in writing for entry in each.result()]
        finally:
            over.set()
        assert [each.result() for each in sealing] == [None] * 3
    while audit_chain.seal_batch():
        pass

    assert numbers() == list(range(1, len(wrote) + 1))
    assert sorted(entry for _, entry, _ in seals()) == sorted(wrote)
    assert deviations() == []


def _begun(line, organization, dice):
    made = [uuid.uuid4() for _ in range(dice.randint(1, 3))]
    line.execute("BEGIN")
    line.execute(SYSTEM, [str(organization.pk)])
    for entry in made:
        line.execute(INSERT, [entry, organization.pk])
    return made


def test_the_digest_depends_on_no_setting_of_the_session(committed, clinic, connect):
    line = connect("application")
    for setting in (
        "TimeZone = 'Asia/Kathmandu'",
        "DateStyle = 'German'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
        "standard_conforming_strings = off",
    ):
        line.execute(f"SET {setting}")
    with line.transaction():
        line.execute(SYSTEM, [str(clinic.pk)])
        line.execute(INSERT.replace("'{}'", "'{\"über\": 1.50}'"), [uuid.uuid4(), clinic.pk])
    line.execute("SET search_path = pg_temp")
    line.execute("SELECT public.portal_seal_audit(10)")

    assert numbers() == [1]
    assert deviations() == []


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"b": 1, "aa": 2, "a": [1.10, 1e300, -0.0, None, True]},
        {"words": "Grüße, “Ana” \\ / \u2028 \U0001f600 \t\n"},
        {"3:abc,": "~", "nested": {"~": "12:,", "": {}}},
    ],
)
def test_whatever_an_entry_says_is_said_alike_on_both_sides(written, detail):
    written(1, it=detail)
    audit_chain.seal_batch()

    assert deviations() == []


def test_instants_of_any_age_are_sealed(committed, clinic, superuser):
    for at in (
        "infinity",
        "-infinity",
        "4713-01-01 00:00:00+00 BC",
        "20000-01-01 00:00:00.000001Z",
    ):
        superuser.execute(INSERT.replace("now()", f"'{at}'"), [uuid.uuid4(), clinic.pk])

    assert audit_chain.seal_batch() == 4
    assert deviations() == []


def test_two_entries_that_run_into_one_another_have_two_digests():
    one = audit_chain.digest_of(b"", 1, 1, "1.5", ["ab", "c", None])
    assert one != audit_chain.digest_of(b"", 1, 1, "1.5", ["a", "bc", None])
    assert one != audit_chain.digest_of(b"", 1, 1, "1.5", ["ab", "c", "~"])
    assert one != audit_chain.digest_of(b"", 1, 1, "1.5", ["ab", "c", ""])


def test_a_form_stays_what_it_was():
    """Written down once by hand: the seals of a clinic are not to be made again."""
    entry = [
        "019a8c3e-1111-7abc-8def-0123456789ab",
        "019a8c3e-2222-7abc-8def-0123456789ab",
        "1763805600.123456",
        None,
        "patient.read",
        "",
        "019a8c3e-3333-7abc-8def-0123456789ab",
        None,
        '{"wörter": 1.10}',
    ]
    digest = audit_chain.digest_of(bytes.fromhex("ab" * 32), 1, 7, "1763805601.000001", entry)
    assert digest.hex() == "a330a1262b0eef41994ed5ab5f206fc728a6d7e628957cef60247b2bf7a82058"


def test_every_column_of_an_entry_is_sealed():
    """A new column needs a new form here, and the next version of portal_seal_audit."""
    texts = audit_chain.FORMS[max(audit_chain.FORMS)]
    columns = [re.sub(r"extract\(epoch FROM (\w+)\)", r"\1", text) for text in texts]
    assert [column.removesuffix("::text") for column in columns] == [
        field.column for field in AuditEntry._meta.concrete_fields
    ]


def test_what_was_sealed_and_comes_back_is_not_sealed_twice(sealed, overruled, clinic):
    """A backup of the waiting rows alone, brought back."""
    (entry,) = sealed(1)
    overruled(
        "INSERT INTO audit_unsealed (entry_id, organization_id) VALUES (%s, %s)", entry, clinic.pk
    )

    assert audit_chain.seal_batch() == 1
    assert numbers() == [1]
    assert deviations() == []


def test_a_whole_import_waits_by_one_statement(committed, clinic, system):
    with system():
        AuditEntry.objects.bulk_create(
            AuditEntry(organization=clinic, action="test.written") for _ in range(300)
        )

    assert audit_chain.seal_batch() == 300
    assert sorted(entries()) == sorted(entry for _, entry, _ in seals())


# Who may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["audit_logs", "audit_seals"])
@pytest.mark.parametrize("role", ["application", "engine", "owner"])
@pytest.mark.parametrize("command", ["UPDATE {} SET organization_id = NULL", "DELETE FROM {}",
                                     "TRUNCATE {}"])  # fmt: skip
def test_no_role_of_ours_changes_what_was_sealed(sealed, connect, role, table, command):
    sealed(1)
    with pytest.raises(psycopg.Error, match=r"permission denied|Cannot (update|empty)"):
        connect(role).execute(command.format(table))


@pytest.mark.parametrize("role", ["application", "engine"])
@pytest.mark.parametrize(
    "command",
    [
        "INSERT INTO audit_unsealed VALUES (gen_random_uuid(), gen_random_uuid(), now())",
        "UPDATE audit_unsealed SET since = now()",
        "DELETE FROM audit_unsealed",
        "TRUNCATE audit_unsealed",
        "INSERT INTO audit_seals VALUES (9, gen_random_uuid(), gen_random_uuid(), 1, now(), '')",
    ],
)
def test_no_role_that_serves_seals_by_hand(written, connect, role, command):
    written(1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role).execute(command)


def test_only_the_system_reads_the_chain(sealed, written, acting, admin, system, cast):
    sealed(1)
    written(1)

    def read():
        from portal.models import AuditSeal, UnsealedEntry

        return AuditSeal.objects.count(), UnsealedEntry.objects.count()

    for person in (admin, cast.ada, cast.ana):
        with acting(person):
            assert read() == (0, 0)
    with system():
        assert read() == (1, 1)


def test_only_the_application_asks_to_seal(committed, connect):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect("engine").execute("SELECT portal_seal_audit(1)")
