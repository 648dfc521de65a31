"""Rules: what a site watches for. An edit is a new version; alerts keep the one they began with."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from alerts.dry_run import DAYS, dry_run
from alerts.models import Rule, RuleVersion
from alerts.rule_check import what_is_wrong
from portal import tenancy
from portal.admin.base import OrganizationForm, PortalAdmin
from portal.doors import reader_of

# What a version says: the columns of a rule's page, in the order in which they are asked.
SAYS = [
    *("what", "severity", "kind", "policy"),
    *("codes", "unit", "low", "high", "words", "hours", "single_three", "questionnaire", "item"),
    *("age_from", "age_until", "programme", "horizon_hours"),
]


class RuleForm(OrganizationForm):
    """A rule's name and, below it, what its next version says."""

    class Meta:
        model = Rule
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance is not None and not instance._state.adding:
            newest = instance.versions.first()
            if newest is not None:
                said = {name: getattr(newest, name) for name in SAYS}
                kwargs["initial"] = said | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def differs_from(self, newest: RuleVersion | None) -> bool:
        """Whether what is asked for is not what the newest version says."""
        asked = self.cleaned_data
        return newest is None or any(asked[name] != getattr(newest, name) for name in SAYS)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            for name, words in what_is_wrong(cleaned).items():
                self.add_error(name, words)
        return cleaned


@admin.register(Rule)
class RuleAdmin(PortalAdmin):
    """A rule is written, tried on the last 30 days, and only then switched on."""

    form = RuleForm
    list_display = ["name", "is_on", "severity", "says", "number"]
    list_filter = ["is_on"]
    search_fields = ["name"]
    actions = ["switch_off"]

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        asked = {
            name: self.formfield_for_dbfield(RuleVersion._meta.get_field(name), request)
            for name in SAYS
        }
        kwargs["form"] = type("RuleForm", (RuleForm,), asked)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [
            (None, {"fields": ["name", ("what", "severity"), ("kind", "policy"), "state"]}),
            (
                "When it is met",
                {
                    "fields": [
                        ("codes", "unit"),
                        ("low", "high"),
                        ("hours", "words"),
                        ("questionnaire", "item"),
                        "single_three",
                    ],
                    "description": "At or below the low limit, at or above the high one. What does"
                    " not belong to the kind of rule stays empty.",
                },
            ),
            (
                "For whom",
                {"fields": [("age_from", "age_until"), ("programme", "horizon_hours")]},
            ),
            ("Versions", {"fields": ["history"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["state", "history"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description="How severe")
    def severity(self, rule: Rule) -> str:
        newest = _newest(rule)
        return newest.get_severity_display() if newest else "–"

    @admin.display(description="Met by")
    def says(self, rule: Rule) -> str:
        newest = _newest(rule)
        return summary(newest) if newest else "–"

    @admin.display(description="Version")
    def number(self, rule: Rule) -> int:
        newest = _newest(rule)
        return newest.number if newest else 0

    @admin.display(description="State")
    def state(self, rule: Rule) -> SafeString | str:
        if rule._state.adding:
            return "Off. Save it, then try it on the last 30 days."
        address = reverse("admin:alerts_rule_dry_run", args=[rule.pk])
        if rule.is_on:
            return format_html('On. <a href="{}">What did it find in 30 days?</a>', address)
        return format_html(
            'Off. <a href="{}">Try it on the last 30 days, then switch it on</a>', address
        )

    @admin.display(description="So far")
    def history(self, rule: Rule) -> SafeString | str:
        if rule._state.adding:
            return "None yet. Each change makes a new one; alerts keep the one they began with."
        return format_html_join(
            "",
            "<div>{}. {}: {} · {} · {}</div>",
            (
                (
                    version.number,
                    version.get_severity_display(),
                    summary(version),
                    version.created_at.strftime("%d %b %Y, %H:%M"),
                    version.created_by or "as shipped",
                )
                for version in rule.versions.select_related("created_by")
            ),
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        reader = reader_of(request)
        obj.organization_id = reader.organization_id
        super().save_model(request, obj, form, change)
        before = obj.versions.first()
        if form.differs_from(before):
            RuleVersion.objects.create(
                organization_id=reader.organization_id,
                rule=obj,
                number=before.number + 1 if before else 1,
                created_by_id=reader.user_id,
                **{name: form.cleaned_data[name] for name in SAYS},
            )

    def get_urls(self) -> list[URLPattern]:
        mine = path(
            "<uuid:rule_id>/dry-run/",
            self.admin_site.admin_view(self.dry_run_view),
            name="alerts_rule_dry_run",
        )
        return [mine, *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, rule_id: UUID) -> HttpResponse:
        """What the rule would have done; on POST, switch it on.

        Nothing clinical: how often, and for how many patients. With names, who may edit a rule
        would read any value by moving its limit. Whoever looks after them sees the charts.
        """
        rule = self.get_queryset(request).filter(pk=rule_id).first()
        newest = _newest(rule) if rule else None
        if rule is None or newest is None:
            raise Http404
        if request.method == "POST":
            rule.is_on = True
            rule.save(update_fields=["is_on"])
            self.record(request, "switched_on", rule, [])
            self.message_user(request, f"“{rule}” is on.", messages.SUCCESS)
            return redirect("admin:alerts_rule_changelist")
        reader = reader_of(request)
        # An administrator may not read measurements. The system does, and hands on how often.
        with tenancy.acting_for(reader.organization_id, system=True):
            found = dry_run(newest)
        self.record(request, "tried", rule, [])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{rule}: the last {DAYS} days",
            "rule": rule,
            "version": newest,
            "says": summary(newest),
            "found": found,
            "days": DAYS,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/alerts/rule/dry_run.html", context)

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, rules: QuerySet[Rule]) -> None:
        for rule in rules.filter(is_on=True):
            rule.is_on = False
            rule.save(update_fields=["is_on"])
            self.record(request, "switched_off", rule, [])
        self.message_user(request, "These rules find nothing new from now on.", messages.SUCCESS)


def summary(version: RuleVersion) -> str:
    """What meets a version, in a line."""
    limits = []
    if version.low is not None:
        limits.append(f"≤ {version.low.normalize():f}")
    if version.high is not None:
        limits.append(f"≥ {version.high.normalize():f}")
    words = f"{version.what} {' or '.join(limits)} {version.unit}".strip()
    if version.words:
        words += f" “{', '.join(version.words)}”"
    if version.single_three:
        words += " a three in one parameter" if not limits else " or a three in one parameter"
    if version.hours is not None:
        words += f" within {version.hours.normalize():f} h"
    return words


def _newest(rule: Rule) -> RuleVersion | None:
    versions = rule.versions.all()
    return max(versions, key=lambda version: version.number, default=None)
