"""Names, texts, dates, doses and references of other systems. Pure."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B.dosage import Dosage
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.observation import Observation

from care.fhir.dates import Dates, latest_day
from care.fhir.documents import Document, Unreadable
from care.fhir.dosage import in_words
from care.fhir.errors import Refused
from care.fhir.references import Name, References
from care.fhir.text import clean, person_name, without_semantic_tag
from tests.care.resources import observation

NEW_YORK = ZoneInfo("America/New_York")


def test_invisible_characters_go_and_joiners_stay():
    text = "Leukocytes [#/\u200bvolume]\ufeff in\n Blood\x00"
    assert clean(text) == "Leukocytes [#/volume] in Blood"
    assert clean("می\u200cخواهم") == "می\u200cخواهم"


def test_a_semantic_tag_goes_and_other_brackets_stay():
    assert without_semantic_tag("Viral sinusitis (disorder)") == "Viral sinusitis"
    assert without_semantic_tag("Depression screening (PHQ-9)") == "Depression screening (PHQ-9)"


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ([{"use": "maiden", "family": "Shaw"}, {"use": "official", "family": "Baxter"}], "Baxter"),
        ([{"use": "old", "family": "Shaw"}, {"family": "Baxter"}], "Baxter"),
        ([{"text": "Ana Ruiz"}], "Ana Ruiz"),
        ([{"given": ["Amy", "V."], "family": "Shaw", "prefix": ["Mrs."]}], "Amy V. Shaw"),
        ([{"use": "maiden", "family": "Shaw"}], "Shaw"),
        ([], ""),
    ],
)
def test_a_person_has_one_name(names, called):
    assert person_name([HumanName(**name) for name in names]) == called


def test_a_clinician_keeps_the_title():
    name = HumanName(prefix=["Dr."], given=["Kathy"], family="Fielding", suffix=["MD"])
    assert person_name([name], with_title=True) == "Dr. Kathy Fielding, MD"


def measured(text):
    return Observation(**observation(effectiveDateTime=text)).effectiveDateTime


@pytest.mark.parametrize(
    ("text", "instant", "knows_time"),
    [
        ("2026-03-01T08:00:00-05:00", datetime(2026, 3, 1, 13, tzinfo=UTC), True),
        ("2026-03-01", datetime(2026, 3, 1, 5, tzinfo=UTC), False),
        ("2026-03", datetime(2026, 3, 1, 5, tzinfo=UTC), False),
        ("2026", datetime(2026, 1, 1, 5, tzinfo=UTC), False),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC), True),
    ],
)
def test_a_date_without_a_time_begins_at_midnight_in_the_clinic(text, instant, knows_time):
    dates = Dates(NEW_YORK)
    assert dates.instant(measured(text)) == instant
    assert dates.knows_time(measured(text)) is knows_time


def test_the_day_of_an_instant_is_the_clinics_day():
    late = measured("2026-03-01T03:00:00Z")
    assert Dates(NEW_YORK).day(late) == date(2026, 2, 28)
    assert Dates(ZoneInfo("Europe/Berlin")).day(late) == date(2026, 3, 1)


def test_a_date_that_would_leave_the_calendar_is_refused():
    with pytest.raises(Refused):
        Dates(NEW_YORK, 3_000_000).day(measured("2026-03-01"))


def test_what_is_only_due_does_not_count_as_the_newest_day():
    goal = {"resourceType": "Goal", "target": [{"dueDate": "2040-01-01"}]}
    assert latest_day([goal, observation()]) == date(2026, 3, 1)
    assert latest_day([goal]) is None


@pytest.mark.parametrize(
    ("dosage", "words"),
    [
        ({"text": "10 mL bid"}, "10 mL bid"),
        (
            {"timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}}},
            "every 6 hours",
        ),
        (
            {
                "asNeededBoolean": True,
                "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}],
            },
            "2 tablet, 3 times a day, as needed",
        ),
        ({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "h"}}}, "once an hour"),
        ({}, ""),
    ],
)
def test_a_dose_is_said_in_words(dosage, words):
    assert in_words(Dosage(**dosage)) == words


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Patient/p1", Name("Patient", "", "p1")),
        ("https://a.example/fhir/Patient/p1/_history/3", Name("Patient", "", "p1")),
        ("urn:uuid:5f0c", Name("Patient", "", "5f0c")),
        ("urn:uuid:known", Name("Patient", "", "p9")),
        ("Patient?identifier=urn:mrn|4471", Name("Patient", "urn:mrn", "4471")),
        ("Group/g1", None),
        ("#contained", None),
    ],
)
def test_a_reference_is_resolved_to_a_name(text, name):
    references = References({"urn:uuid:known": Name("Patient", "", "p9")})
    reference = SimpleNamespace(reference=text, identifier=None)
    assert references.name(reference, "Patient") == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is not FHIR"),
        ('{"resourceType": "Bundle", "entry": {}}', None),
        ('{"resourceType": "Bundle", "entry": 7}', "no list"),
        ('{"resourceType": "Patient", "multipleBirthInteger": NaN}', "NaN is no number"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_document_that_cannot_be_read_says_what_it_is(tmp_path, text, reason):
    path = tmp_path / "x.json"
    path.write_text(text)
    if reason is None:
        assert Document(path, "x").items() == []
        return
    with pytest.raises(Unreadable, match=reason):
        Document(path, "x").items()


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"resourceType": "Patient"}')
    assert len(Document(path, "x").items()) == 1
