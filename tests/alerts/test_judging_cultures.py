"""A culture in words: grown, not grown, or nothing yet. When in doubt somebody is called."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.defaults import install_defaults
from portal.management.hl7.intake import Hl7Intake
from tests.hl7.samples import oru, result

BLOOD_CULTURE = "600-7"

GROWN = [
    "Positive",
    "POSITIVE",
    "Positive: Gram-negative rods",
    "Gram negative rods seen in aerobic bottle",
    "Gram-negative bacilli",
    "GNR in 2 of 2 bottles",
    "Gram stain: Gram-negative diplococci",
    "Gram stain: negative rods",
    "Growth of coagulase-negative Staphylococcus",
    "Staphylococcus, coagulase negative",
    "CoNS",
    "Escherichia coli",
    "ESCHERICHIA COLI (ESBL)",
    "E. coli",
    "Staphylococcus aureus, mecA not detected",
    "Methicillin-susceptible S. aureus; MRSA negative",
    "Candida albicans. Susceptibilities: none performed",
    "Yeast",
    "Heavy growth",
    "Growth detected after 11 hours",
    "Organism identified, sensitivities to follow",
    "Organism not yet identified",
    "Identification pending",
    "Gram positive cocci in clusters, culture in progress",
    "No growth in anaerobic bottle. Aerobic bottle: Klebsiella pneumoniae",
    "No growth at 24 hours. Gram positive cocci at 36 hours",
    "No growth except Enterococcus faecalis",
    "No growth, Escherichia coli",
    "Previously no growth, now positive",
    "No longer sterile",
    "Not negative",
    "Non-sterile",
    "Probable skin contaminant",
    "1 of 4 bottles",
    "4/4",
    "112283007",
    "Kein Wachstum",  # words that nobody here has listed call somebody
]
NOT_GROWN = [
    "No growth",
    "NO GROWTH.",
    "No growth at 48 hours",
    "No growth to date",
    "No growth so far",
    "No growth after 5 days",
    "No growth after five days of incubation",
    "No growth detected after 5 days incubation",
    "NO GROWTH 5 DAYS",
    "No growth x 5 days",
    "No growth at 24h; no growth at 48h",
    "Preliminary: no growth",
    "Preliminary report - No growth to date",
    "Final: No growth",
    "Final report: no growth in 5 days. Blood culture, left arm",
    "Aerobic bottle: no growth. Anaerobic bottle: no growth.",
    "No growth in either bottle",
    "No aerobic or anaerobic growth",
    "No bacterial growth",
    "No organisms",
    "No organism seen",
    "No organism(s) isolated",
    "No organisms isolated after 5 days",
    "No bacteria isolated",
    "No pathogens isolated",
    "Bacteria not detected",
    "NGTD",
    "NG",
    "Sterile",
    "Culture sterile after 5 days",
    "Negative",
    "Neg",
    "Blood culture negative to date",
    "Gram stain: no organisms seen. Culture: no growth at 48 hours",
    "Not detected",
    "None",
    "None seen",
    "None isolated",
    "260385009",
    "260415000",
    "264868006",
    "Culture in progress; no growth at 24 hours",
    "No growth after 5 days, not positive",
]
SAYS_NOTHING = [
    "Pending",
    "PENDING.",
    "In progress",
    "Culture in progress",
    "Results to follow",
    "See note",
    "See comment",
    "See separate report",
    "Specimen rejected",
    "Specimen rejected: leaking container",
    "Specimen not received",
    "Specimen insufficient",
    "Insufficient specimen",
    "Quantity not sufficient",
    "QNS",
    "Test not performed",
    "Cancelled",
    "Unknown",  # FHIR's reason why there is no value
]


@pytest.fixture
def watching(cast, clinic, system):
    """Harbour Clinic with the rules that a clinic begins with, all of them confirmed."""
    with system():
        install_defaults(clinic.pk, switched_on=True)


@pytest.fixture
def says(arrives, judged, ana):
    """`says("No growth")`: a blood culture of Ana's, judged; `minutes` ago."""

    def says(words, **fields):
        row = arrives(ana, None, code=BLOOD_CULTURE, unit="", text_value=words, **fields)
        judged()
        return row

    return says


@pytest.mark.parametrize(
    ("words", "is_raised"),
    [
        *((words, True) for words in GROWN),
        *((words, False) for words in NOT_GROWN),
        *((words, False) for words in SAYS_NOTHING),
    ],
)
def test_any_growth_in_a_blood_culture_raises(watching, says, alerts_of, ana, words, is_raised):
    says(words)
    assert [alert.condition for alert in alerts_of(ana)] == ["blood-culture:found"] * is_raised


def test_the_same_words_raise_for_rules_that_were_installed_before(rule, says, alerts_of, ana):
    rule(
        what="Blood culture",
        codes=[BLOOD_CULTURE],
        unit="",
        words=["positive", "growth", "detected"],
    )
    says("Escherichia coli")
    assert len(alerts_of(ana)) == 1


@pytest.mark.parametrize("words", SAYS_NOTHING)
def test_what_says_nothing_ends_nothing(rule, says, alerts_of, ana, words):
    rule(
        what="Blood culture",
        codes=[BLOOD_CULTURE],
        unit="",
        words=["positive"],
        severity="urgent",
    )
    says("Escherichia coli", minutes=60)
    says(words, minutes=5)
    assert [alert.phase for alert in alerts_of(ana)] == ["open"]


@pytest.mark.parametrize(
    ("kind", "value", "is_raised"),
    [
        ("CWE", "112283007^Escherichia coli^SCT", True),
        ("CWE", "112283007^^SCT", True),
        ("CWE", "10828004^Positive^SCT~112283007^Escherichia coli^SCT", True),
        ("CWE", "264868006^No growth^SCT~112283007^Escherichia coli^SCT", True),
        ("CE", "^E. Coli", True),
        ("CWE", "260385009^Negative^SCT", False),
        ("CWE", "260415000^Not detected (qualifier value)^SCT", False),
        ("CWE", "264868006^^SCT", False),
        ("CWE", "NG^No growth^L", False),
        ("ST", "No growth at 48 hours", False),
        ("TX", "Positive: Gram-negative rods", True),
    ],
)
def test_as_laboratories_send_it(watching, clinic, judged, alerts_of, ana, kind, value, is_raised):
    sent = result(
        "600-7^Bacteria identified in Blood by Culture^LN",
        value,
        "",
        kind=kind,
        range="",
        flag="",
        at=f"{datetime.now(UTC) - timedelta(hours=2):%Y%m%d%H%M%S}+0000",
    )
    assert Hl7Intake(clinic).take(oru(sent)).answer.code == "AA"
    judged()
    assert [alert.severity for alert in alerts_of(ana)] == ["critical"] * is_raised


@pytest.mark.parametrize(
    ("words", "flag", "is_raised"),
    [
        ("See note", "A", True),
        ("See note", "POS", True),
        ("", "POS", True),
        ("See note", "N", False),
        ("No growth", "A", False),  # what the words deny, a mark that stands beside them often does
        ("No growth", "AA", True),
        ("Escherichia coli", "N", True),
    ],
)
def test_the_laboratorys_own_flag_speaks_where_the_words_do_not(
    watching, says, alerts_of, ana, words, flag, is_raised
):
    says(words, interpretation=flag)
    assert bool(alerts_of(ana)) == is_raised


# Other tests in words ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_met"),
    [
        ("Positive", True),
        ("Toxin DETECTED", True),
        ("Toxin gene detected; culture negative", True),
        ("Not detected", False),
        ("No toxin", False),
        ("Negative", False),
        ("Not positive", False),
    ],
)
def test_words_of_a_site_count_unless_they_are_denied(
    rule, arrives, judged, alerts_of, ana, text, is_met
):
    rule(what="C. difficile", codes=["34713-8"], unit="", words=["positive", "detected"])
    arrives(ana, None, code="34713-8", unit="", text_value=text)
    judged()
    assert bool(alerts_of(ana)) == is_met


def test_a_site_may_ask_a_culture_for_one_organism(rule, says, alerts_of, ana):
    rule(what="Candida", codes=[BLOOD_CULTURE], unit="", words=["candida"])
    says("Escherichia coli", minutes=60)
    assert alerts_of(ana) == []
    says("Candida albicans")
    assert len(alerts_of(ana)) == 1
