"""What a clinic begins with: every default rule can work, once, and is off."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from alerts.defaults import LABORATORY, install_defaults, rules
from alerts.escalation import plan_of
from alerts.models import EscalationPolicy, Rota, Rule, RuleVersion
from alerts.rule_check import what_is_wrong
from care.analytes import analyte_of

EMPTY = {
    field.name: field.get_default() if field.has_default() else None
    for field in RuleVersion._meta.concrete_fields
}


@pytest.mark.parametrize(("name", "said"), list(rules()), ids=lambda given: str(given)[:40])
def test_a_default_rule_passes_what_an_administrator_must_pass(name, said):
    assert what_is_wrong(EMPTY | said) == {}


def test_critical_limits_lie_within_what_is_plausible():
    for code, _, low, high in LABORATORY:
        plausible = analyte_of(code).plausible
        assert plausible is not None
        assert low or high


def test_names_are_used_once():
    names = [name for name, _ in rules()]
    assert len(names) == len(set(names)) > 40


@pytest.mark.usefixtures("db")
def test_they_are_off_and_come_once(clinic, system):
    with system():
        assert install_defaults(clinic.pk) == len(list(rules()))
        assert install_defaults(clinic.pk) == 0
        assert not Rule.objects.filter(is_on=True).exists()


@pytest.mark.usefixtures("db")
def test_what_a_site_made_of_them_stays(clinic, system):
    with system():
        install_defaults(clinic.pk)
        rule = Rule.objects.get(name="Potassium, critical")
        Rule.objects.filter(pk=rule.pk).update(is_on=True)
        install_defaults(clinic.pk)
        rule.refresh_from_db()
        assert rule.is_on
        assert rule.versions.count() == 1


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("with_rota", [True, False])
def test_policies_can_be_carried_out(clinic, system, with_rota):
    with system():
        rota = Rota.objects.create(organization=clinic, name="Nights", time_zone="UTC")
        install_defaults(clinic.pk, rota_id=rota.pk if with_rota else None)
        for policy in EscalationPolicy.objects.all():
            version = policy.current
            plan = plan_of(
                steps=version.steps,
                repeats=version.repeats,
                every=version.every,
                acknowledged_for=version.acknowledged_for,
                fallback_role=version.fallback_role,
            )
            assert bool(plan.on_call) == (with_rota and policy.name != "Notices")


@pytest.mark.usefixtures("db")
def test_the_command_says_what_it_did(clinic, system):
    said = StringIO()
    call_command("alert_defaults", organization="harbour", stdout=said)
    assert "rules added, switched off" in said.getvalue()
    with pytest.raises(CommandError, match="no organization"):
        call_command("alert_defaults", organization="nowhere")
