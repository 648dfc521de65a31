"""Policies: who is told, and after how long the next one. An edit is a new version."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from alerts.admin.rotas import callable_users
from alerts.errors import PolicyUnusable
from alerts.escalation import ROLES, Told, plan_of
from alerts.models import EscalationPolicy, PolicyVersion, Rota
from portal import access
from portal.access import Reader
from portal.admin.base import OrganizationForm, PortalAdmin
from portal.doors import reader_of
from portal.models import Role, User

MOST_STEPS = 8
PLAN = ["repeats", "every", "acknowledged_for", "fallback_role"]
TARGETS = ["told_within", "acknowledged_within", "acted_within"]
STEPS = [(f"wait_{number}", f"tell_{number}") for number in range(1, MOST_STEPS + 1)]
ROLE_CHOICES = [(role, f"every {Role(role).label.lower()}") for role in ROLES]


def told_choices(reader: Reader) -> list[tuple[str, str]]:
    """Who a step may tell, as `target:who` with the words for it."""
    rotas = access.of_organization(Rota.objects.all(), reader)
    return [
        ("", "–"),
        (f"{Told.CARE_TEAM}:", "the patient’s care team"),
        *((f"{Told.ON_CALL}:{rota.pk}", f"on call: {rota.name}") for rota in rotas),
        *((f"{Told.ROLE}:{role}", words) for role, words in ROLE_CHOICES),
        *((f"{Told.PERSON}:{user.pk}", user.name) for user in callable_users(reader)),
    ]


class PolicyForm(OrganizationForm):
    """A policy's name and what its next version says, its steps one below the other."""

    class Meta:
        model = EscalationPolicy
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance is not None and not instance._state.adding:
            newest = instance.versions.first()
            if newest is not None:
                kwargs["initial"] = _said(newest) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        choices = told_choices(self.reader)
        offered = {value for value, _ in choices}
        for _, tell in STEPS:
            kept = self.initial.get(tell, "")
            # Somebody who has left stays named, so that it is seen, until another is chosen.
            gone = [(kept, "somebody who can no longer be told")] if kept not in offered else []
            self.fields[tell].choices = [*choices, *gone]  # type: ignore[attr-defined]

    def differs_from(self, newest: PolicyVersion | None) -> bool:
        """Whether what is asked for is not what the newest version says."""
        asked = self.cleaned_data
        return (
            newest is None
            or self.steps() != newest.steps
            or any(asked[name] != getattr(newest, name) for name in [*PLAN, *TARGETS])
        )

    def steps(self) -> list[dict[str, Any]]:
        """The steps as a version keeps them."""
        return list(_steps(self.cleaned_data))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        offered = {value for value, _ in told_choices(self.reader)}
        for wait, tell in STEPS:
            if cleaned[tell] not in offered:
                self.add_error(tell, "Choose somebody who can be told.")
            if cleaned[tell] and cleaned[wait] is None:
                self.add_error(wait, "After how many minutes? 0: at once.")
        if not self.errors:
            try:
                plan_of(steps=self.steps(), **{name: cleaned[name] for name in PLAN})
            except PolicyUnusable as unusable:
                raise forms.ValidationError(str(unusable)) from None
        return cleaned


@admin.register(EscalationPolicy)
class PolicyAdmin(PortalAdmin):
    """Who is told, step by step. Alerts keep the version they began with."""

    form = PolicyForm
    list_display = ["name", "in_words", "number"]
    search_fields = ["name"]

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        asked: dict[str, Any] = {
            name: self.formfield_for_dbfield(PolicyVersion._meta.get_field(name), request)
            for name in [*PLAN, *TARGETS]
        }
        asked["fallback_role"] = forms.ChoiceField(
            choices=ROLE_CHOICES,
            initial=Role.NURSE,
            widget=UnfoldAdminSelectWidget(),
            help_text="Told when nobody else is there, and without end when nobody answers",
        )
        for number, (wait, tell) in enumerate(STEPS, start=1):
            asked[wait] = forms.IntegerField(
                label=f"{number}. After … minutes",
                min_value=0,
                max_value=240,
                required=False,
                widget=UnfoldAdminIntegerFieldWidget(),
            )
            asked[tell] = forms.ChoiceField(
                label="tell", required=False, widget=UnfoldAdminSelectWidget()
            )
        kwargs["form"] = type("PolicyForm", (PolicyForm,), asked)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [
            (None, {"fields": ["name"]}),
            (
                "Who is told",
                {
                    "fields": STEPS,
                    "description": "Minutes count from the step before, while nobody has"
                    " acknowledged. A step that tells nobody is left empty.",
                },
            ),
            ("And then", {"fields": [("repeats", "every"), ("fallback_role", "acknowledged_for")]}),
            ("Targets, in minutes from the result", {"fields": [tuple(TARGETS)]}),
            ("Versions", {"fields": ["history"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["history"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description="Who is told")
    def in_words(self, policy: EscalationPolicy) -> str:
        newest = policy.versions.first()
        return words_of(newest) if newest else "–"

    @admin.display(description="Version")
    def number(self, policy: EscalationPolicy) -> int:
        newest = policy.versions.first()
        return newest.number if newest else 0

    @admin.display(description="So far")
    def history(self, policy: EscalationPolicy) -> SafeString | str:
        if policy._state.adding:
            return "None yet. Each change makes a new one; alerts keep the one they began with."
        return format_html_join(
            "",
            "<div>{}. {} · {} · {}</div>",
            (
                (
                    version.number,
                    words_of(version),
                    version.created_at.strftime("%d %b %Y, %H:%M"),
                    version.created_by or "as shipped",
                )
                for version in policy.versions.select_related("created_by")
            ),
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        reader = reader_of(request)
        obj.organization_id = reader.organization_id
        super().save_model(request, obj, form, change)
        before = obj.versions.first()
        if form.differs_from(before):
            PolicyVersion.objects.create(
                organization_id=reader.organization_id,
                policy=obj,
                number=before.number + 1 if before else 1,
                steps=form.steps(),
                created_by_id=reader.user_id,
                **{name: form.cleaned_data[name] for name in [*PLAN, *TARGETS]},
            )


def words_of(version: PolicyVersion) -> str:
    """A version in a line: “at once the care team, after 5 min on call: Nights, …”."""
    told = [_step_in_words(step) for step in version.steps]
    times = f"; {version.repeats + 1} rounds" if version.repeats else ""
    return ", ".join(told) + times + f", then every {version.fallback_role}"


def _step_in_words(step: dict[str, Any]) -> str:
    when = f"after {step['wait']:g} min" if step["wait"] else "at once"
    target, who = Told(step["tell"]), step.get("who", "")
    if target is Told.CARE_TEAM:
        return f"{when} the care team"
    if target is Told.ROLE:
        return f"{when} every {who}"
    model: type[Model] = Rota if target is Told.ON_CALL else User
    found: Any = model._default_manager.filter(pk=who).first()
    name = found.name if found else "somebody unknown"
    return f"{when} on call: {name}" if target is Told.ON_CALL else f"{when} {name}"


def _said(version: PolicyVersion) -> dict[str, Any]:
    said: dict[str, Any] = {name: getattr(version, name) for name in [*PLAN, *TARGETS]}
    for (wait, tell), step in zip(STEPS, version.steps, strict=False):
        said[wait] = step["wait"]
        said[tell] = f"{step['tell']}:{step.get('who') or ''}"
    return said


def _steps(cleaned: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for wait, tell in STEPS:
        if cleaned[tell]:
            target, _, who = cleaned[tell].partition(":")
            yield {"wait": cleaned[wait], "tell": target, "who": who}
