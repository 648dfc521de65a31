"""Several observations in one request: each for itself, or all or nothing."""

from decimal import Decimal

import pytest

from tests.api.fhir import FUTURE, PATH, bundle, heart_rate, issues


def test_of_a_batch_each_entry_stands_alone(gateway, stored):
    answer = gateway.post(
        PATH,
        bundle(
            heart_rate(number="1"),
            heart_rate(number="2", effectiveDateTime=FUTURE),
            {"resourceType": "Device"},
            heart_rate(number="3", value=80),
        ),
    )
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    assert [each["response"]["status"] for each in entries] == [
        "201 Created",
        "422",
        "422",
        "201 Created",
    ]
    (issue,) = entries[1]["response"]["outcome"]["issue"]
    assert issue["expression"] == ["Bundle.entry[1].resource.effective"]
    assert [row.value for row in stored()] == [Decimal(72), Decimal(80)]
    assert entries[3]["resource"]["valueQuantity"]["value"] == 80


def test_a_batch_again_doubles_nothing(gateway, stored):
    sent = bundle(*(heart_rate(number=str(number)) for number in range(5)))
    gateway.post(PATH, sent)
    again = gateway.post(PATH, sent).json()["entry"]
    assert {each["response"]["status"] for each in again} == {"200 OK"}
    assert len(stored()) == 5


def test_one_identifier_twice_in_a_batch_is_a_correction(gateway, stored):
    answer = gateway.post(PATH, bundle(heart_rate(value=70), heart_rate(value=71)))
    statuses = [each["response"]["status"] for each in answer.json()["entry"]]
    assert statuses == ["201 Created", "200 OK"]
    assert [row.value for row in stored()] == [Decimal(71)]


def test_of_a_transaction_all_is_stored_or_nothing(gateway, stored):
    wrong = [heart_rate(number="1"), heart_rate(number="2", effectiveDateTime=FUTURE)]
    answer = gateway.post(PATH, bundle(*wrong, type="transaction"))
    assert answer.status_code == 422
    assert issues(answer) == [("Bundle.entry[1].resource.effective", "business-rule")]
    assert stored() == []

    right = [heart_rate(number="1"), heart_rate(number="2")]
    answer = gateway.post(PATH, bundle(*right, type="transaction"))
    assert answer.json()["type"] == "transaction-response"
    assert len(stored()) == 2


@pytest.mark.parametrize(
    ("changes", "status", "path"),
    [
        ({"type": "collection"}, 422, "Bundle.type"),
        ({"entry": []}, 422, "Bundle.entry"),
        ({"entry": 5}, 422, "Bundle.entry"),
        ({"entry": [5]}, 422, "Bundle.entry[0].request"),
        ({"entry": [{"request": {"method": "DELETE", "url": "Observation/1"}}]}, 422,
         "Bundle.entry[0].request"),
        ({"entry": [{}] * 201}, 413, "Bundle.entry"),
    ],
)  # fmt: skip
def test_a_bundle_that_asks_for_something_else(gateway, changes, status, path):
    answer = gateway.post(PATH, bundle(heart_rate()) | changes)
    assert answer.status_code == status
    assert issues(answer)[0][0] == path
