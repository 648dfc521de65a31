"""Joining a channel: who may, what is answered, and what follows."""



VITALS = {"table": "vital_signs"}


def test_a_change_reaches_the_patient_it_is_about(wire, inbox, ana, clinic):
    page = wire(ana)
    page.live(VITALS)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk, code="8867-4")
    (change,) = page.changes()
    assert change["record"] == {"id": told, "code": "8867-4"}
    assert change["table"] == "vital_signs"
