"""Whatever is sent, the answer is the API's own, and never a fault of ours."""

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.fhir import PATH, bundle, heart_rate

# Shown again after each change of a resource: what FHIR allows in one place is wrong in another.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 10**400, 1e308, "", " ", "\x00", "\ud800", "x" * 5_000, [], {}, [[]]]),
    st.sampled_from([{"value": 1}, {"code": "g/dL"}, {"text": "\x00"}, [{"code": 1}], [None]]),
    st.sampled_from(["2026", "2026-11", "0001-01-01", "9999-12-31T23:59:60Z", "24:00:00", "final"]),
)
EXTRA = st.sampled_from(
    [
        {},
        {"valueRatio": {}},
        {"valueRatio": {"numerator": {"value": 1}}},
        {"valueRange": {}},
        {"valueTime": "12:00:00"},
        {"valueDateTime": "2026"},
        {"valuePeriod": {"start": "2026"}},
        {"valueSampledData": {"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": "E"}},
        {"valueInteger": 10**30},
        {"valueString": "high"},
        {"valueCodeableConcept": {}},
        {"dataAbsentReason": {"text": "\u200b"}},
        {"effectivePeriod": {}},
        {"effectiveTiming": {}},
        {"component": [{"code": {"text": "a"}, "valueRatio": {}}]},
        {"referenceRange": [{"text": "wide"}, {"low": {"value": 10**20}}]},
    ]
)


def places(resource, path=()):
    """Every place of a resource, as the keys that lead there."""
    for key, value in resource.items() if isinstance(resource, dict) else enumerate(resource):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@st.composite
def bodies(draw):
    """An Observation with something odd in it, alone or in a Bundle that may be odd too."""
    resource = heart_rate()
    extra = draw(EXTRA)
    if any(name.startswith("value") or name == "component" for name in extra):
        del resource["valueQuantity"]
    if any(name.startswith("effective") for name in extra):
        del resource["effectiveDateTime"]
    body = copy.deepcopy(resource | extra)
    body = draw(st.sampled_from([body, bundle(body), bundle(body, type="transaction")]))
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(sorted(places(body), key=str)))
        place = body
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = copy.deepcopy(draw(ODD))
    return body


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=bodies())
def test_no_body_is_a_fault_of_ours(gateway, body):
    answer = gateway.post(PATH, body)
    assert answer.status_code < 500, answer.content
    assert answer["Content-Type"] == "application/fhir+json"
    assert answer.json()["resourceType"] in {"Observation", "Bundle", "OperationOutcome"}


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["patient", "patient.identifier", "code", "date", "_count", "page"]),
    value=st.sampled_from(
        ["", "\x00", "4471\x00", "9" * 5_000, "²", "|", "a|", "ge", "ge9999-12-31", "0001-01-01",
         "0001-01-01T00:00:00+14:00", "AAAA", "x" * 5_000, "\u200b"]
    ),
)  # fmt: skip
def test_no_search_is_a_fault_of_ours(gateway, ana, name, value):
    asked = {"patient": str(ana.patient.pk), name: value}
    by_form = gateway.client.post(f"{PATH}_search", _form(asked), content_type=FORM)
    for answer in (gateway.get(PATH, **asked), by_form):
        assert answer.status_code < 500, answer.content
        assert answer["Content-Type"] == "application/fhir+json"


FORM = "application/x-www-form-urlencoded"


def _form(asked):
    from urllib.parse import urlencode

    return urlencode(asked)
