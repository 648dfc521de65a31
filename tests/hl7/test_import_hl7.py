"""manage.py import_hl7: results of a laboratory become rows, once; what is wrong says where."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from care.models import Correction, ReceivedMessage, Result, VitalSign
from portal.management.hl7.documents import split
from portal.management.hl7.intake import Hl7Intake
from portal.models import AuditEntry, Patient
from tests.hl7.samples import SHARED, header, order, oru, patient, result, sample

SODIUM = "2951-2^Sodium^LN"


@pytest.fixture
def intake(clinic, cast):
    return Hl7Intake(clinic)


@pytest.fixture
def stored(system):
    def stored(model=Result, **filters):
        with system():
            return sorted(model.objects.filter(**filters), key=str)

    return stored


def register(clinic, system, mrn, birth_on, name="Donald Duck"):
    with system():
        return Patient.objects.create(organization=clinic, mrn=mrn, name=name, birth_on=birth_on)


def import_hl7(*paths, organization="harbour"):
    told = io.StringIO()
    try:
        call_command("import_hl7", *map(str, paths), organization=organization, stderr=told)
    except CommandError as error:
        return f"{told.getvalue()}\n{error}", error.returncode
    return told.getvalue(), 0


# One message ---------------------------------------------------------------------------------


def test_a_result_becomes_a_row(intake, stored, ana):
    taken = intake.take(oru())
    assert (taken.answer.code, taken.fates["new"]) == ("AA", 1)
    (row,) = stored()
    assert (row.code, row.value, row.unit) == ("2823-3", Decimal("4.1"), "mmol/L")
    assert (row.patient_id, row.source, row.status) == (ana.patient.pk, "hl7", "final")
    assert (row.range_low, row.range_high, row.interpretation) == (
        Decimal("3.5"),
        Decimal("5.1"),
        "N",
    )


def test_a_vital_sign_is_one_whoever_sends_it(intake, stored):
    intake.take(oru(result("8867-4^Heart rate^LN", "72", "/min", range="")))
    assert [row.code for row in stored(VitalSign)] == ["8867-4"]


def test_the_same_message_again_changes_nothing(intake, stored):
    intake.take(oru())
    again = intake.take(oru())
    assert again.was_known
    assert again.answer.code == "AA"
    assert len(stored()) == 1
    assert stored(Correction) == []


def test_the_same_results_in_another_message_are_unchanged(intake, stored):
    intake.take(oru(control_id="1"))
    assert intake.take(oru(control_id="2")).fates["unchanged"] == 1
    assert len(stored()) == 1


def test_a_correction_changes_its_row_and_keeps_what_was(intake, stored, system):
    intake.take(oru(control_id="1"))
    taken = intake.take(oru(result(value="6.4", status="C"), control_id="2"))
    assert taken.fates["changed"] == 1
    (row,) = stored()
    assert (row.value, row.status) == (Decimal("6.4"), "corrected")
    with system():
        assert Correction.objects.get().was["value"] == "4.1"


def test_a_message_that_is_sent_again_after_its_correction_does_not_undo_it(intake, stored):
    intake.take(oru(control_id="1"))
    intake.take(oru(result(value="6.4", status="C"), control_id="2"))
    assert intake.take(oru(control_id="1")).was_known
    assert stored()[0].value == Decimal("6.4")


def test_a_control_id_used_for_something_else_is_another_message(intake, stored):
    intake.take(oru(control_id="1"))
    taken = intake.take(oru(result(value="6.4", status="C"), control_id="1"))
    assert taken.fates["changed"] == 1


def test_what_was_taken_back_leaves_every_list(intake, stored, system):
    intake.take(oru(control_id="1"))
    intake.take(oru(result(value="", status="W"), control_id="2"))
    with system():
        assert not Result.objects.valid().exists()
        assert Result.objects.count() == 1


def test_what_can_be_stored_is_and_the_rest_says_where(intake, stored):
    taken = intake.take(
        oru(
            result(),
            result(SODIUM, "high"),
            result("2345-7^Glucose^LN", "5", "furlong"),
        )
    )
    assert taken.answer.code == "AE"
    assert [problem.place for problem in taken.answer.problems] == ["OBX^2^5", "OBX^3"]
    assert [row.code for row in stored()] == ["2823-3"]
    # Mended, it is sent again under its name, and taken.
    assert not intake.take(oru(result(), result(SODIUM, "high"))).was_known


def test_what_was_in_error_is_tried_again(intake, stored, clinic, system):
    message = oru(number="5000", birth="19700101")
    assert intake.take(message).answer.code == "AE"
    register(clinic, system, "5000", date(1970, 1, 1))
    assert intake.take(message).answer.code == "AA"
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        ({"number": "9999"}, "PID^1^3"),
        ({"number": ""}, "PID^1^3"),
        ({"number": "9001"}, "PID^1^3"),  # a patient of the other clinic
        ({"number": "4471^^^A^MR~4472"}, "PID^1^3"),
        ({"birth": "19640303"}, "PID^1^7"),
    ],
)
def test_nothing_is_filed_on_the_wrong_patient(intake, stored, subject, place):
    taken = intake.take(oru(**subject))
    assert taken.answer.code == "AE"
    assert [problem.place for problem in taken.answer.problems] == [place]
    assert stored() == []


def test_two_patients_in_one_message_are_not_told_apart(intake, stored, ben):
    about_ben = patient(ben.patient.mrn, f"{ben.patient.birth_on:%Y%m%d}")
    taken = intake.take(oru(result(), about_ben, order("78"), result(SODIUM, "140")))
    assert [problem.place for problem in taken.answer.problems] == ["PID^2"]
    assert stored() == []


def test_two_headers_in_one_message_are_rejected(intake, stored):
    taken = intake.take(oru() + oru(control_id="2"))
    assert taken.answer.code == "AR"
    assert stored() == []


def test_a_patient_of_another_clinic_looks_like_nobody(intake):
    foreign = intake.take(oru(number="9001", birth="19640302", control_id="1"))
    nobody = intake.take(oru(number="9999", birth="19640302", control_id="2"))
    assert foreign.answer == nobody.answer


@pytest.mark.parametrize("kind", ["ADT^A08", "SIU^S18", "ORM^O01", "ORU^R40", "ACK", ""])
def test_other_kinds_are_rejected_clearly(intake, stored, kind):
    taken = intake.take(f"{header(kind)}\rPID|1||4471".encode())
    assert taken.answer.code == "AR"
    assert "not handled" in taken.answer.problems[0].reason
    assert stored(ReceivedMessage) == []


@pytest.mark.parametrize("data", [b"", b"PID|1", oru(control_id=""), oru(control_id="x" * 200)])
def test_what_is_no_message_or_has_no_name_is_rejected(intake, data):
    assert intake.take(data).answer.code == "AR"


def test_a_result_from_the_future_is_refused(intake):
    taken = intake.take(oru(result(at="20991231000000+0000")))
    assert "future" in taken.answer.problems[0].reason


def test_every_message_is_on_record(intake, ana, system):
    intake.take(oru())
    with system():
        entry = AuditEntry.objects.get(action="patient.imported")
        assert (entry.patient_id, entry.actor_id) == (ana.patient.pk, None)
        assert entry.detail == {"source": "hl7", "readings": 1, "refused": 0}


# Files ---------------------------------------------------------------------------------------


def test_a_file_of_messages_is_taken(stored, tmp_path, cast):
    batch = b"FHS|^~\\&\rBHS|^~\\&\r" + oru(control_id="1")
    batch += oru(result(SODIUM, "140"), control_id="2") + b"BTS|2\rFTS|1\r"
    (tmp_path / "night.hl7").write_bytes(batch)
    told, status = import_hl7(tmp_path)
    assert status == 0, told
    assert "2 messages" in told
    assert "2 new, 0 changed, 0 unchanged, 0 passed over, 0 refused" in told
    assert [row.code for row in stored()] == ["2823-3", "2951-2"]


def test_again_there_are_no_duplicates(stored, tmp_path, cast):
    (tmp_path / "night.hl7").write_bytes(oru())
    import_hl7(tmp_path)
    told, status = import_hl7(tmp_path)
    assert status == 0
    assert "0 new" in told
    assert len(stored()) == 1


def test_a_refusal_ends_with_status_1_and_says_where(tmp_path, cast, stored):
    (tmp_path / "night.hl7").write_bytes(oru(result(value="CANARY"), result("2951-2", "140", "")))
    told, status = import_hl7(tmp_path)
    assert status == 1
    assert "night.hl7[1] ORU^R01 OBX^1^5: is not a number" in told
    assert "CANARY" not in told


def test_messages_of_a_stream_keep_their_frames_out():
    assert split(b"\x0b" + oru() + b"\x1c\r\x0b" + oru() + b"\x1c\r") == [oru().rstrip(b"\r")] * 2


@pytest.mark.parametrize(
    ("paths", "organization", "words"),
    [
        (["/nowhere.hl7"], "harbour", "does not exist"),
        ([], "nobody", "no organization"),
    ],
)
def test_what_cannot_be_begun_says_why(tmp_path, cast, paths, organization, words):
    with pytest.raises(CommandError, match=words):
        call_command("import_hl7", *(paths or [str(tmp_path)]), organization=organization)


def test_an_empty_folder_is_a_mistake(tmp_path, cast):
    with pytest.raises(CommandError, match="holds no"):
        call_command("import_hl7", str(tmp_path), organization="harbour")


# The shared samples --------------------------------------------------------------------------


def test_the_shared_reports_of_one_order(intake, stored, clinic, system):
    register(clinic, system, "10006579", date(1924, 10, 10))
    first = intake.take(sample("LAB-ORU-1.hl7"))
    # Two are still in process; the codes of the differential are percentages.
    assert first.answer.code == "AA", first.answer.problems
    assert (first.fates["new"], first.fates["passed over"]) == (8, 2)
    (platelets,) = stored(code="11125-2")
    assert platelets.status == "final"

    final = intake.take(sample("LAB-ORU-2.hl7"))
    assert final.fates["passed over"] == 0
    assert {row.status for row in stored()} == {"final"}
    (erythrocytes,) = stored(code="11273-0")
    assert erythrocytes.value == Decimal("4.08")


def test_a_unit_that_cannot_be_is_no_gram_per_decilitre(intake, stored, clinic, system):
    register(clinic, system, "10006579", date(1924, 10, 10))
    taken = intake.take(sample("LAB-ORU-2.hl7"))
    # 13.4 “g/l-1” is meant as 13.4 g/dL and would be a critical 1.34 as g/L: never guessed.
    assert [problem.place for problem in taken.answer.problems] == ["OBX^6"]
    assert stored(code="20509-6") == []


def test_the_shared_culture(intake, stored, clinic, system):
    register(clinic, system, "14", date(1963, 8, 15))
    taken = intake.take(sample("ORU-R01-01.hl7"))
    assert taken.answer.code == "AA", taken.answer.problems
    (row,) = stored()
    assert (row.text_value, row.status, row.time_is_known) == ("Salmonella", "preliminary", False)


def test_the_whole_shared_folder(cast, stored):
    sample("LAB-ORU-1.hl7")
    told, status = import_hl7(SHARED)
    assert status == 1
    assert "14 messages" in told
    assert "SIU^S12" in told
    assert stored() == []
