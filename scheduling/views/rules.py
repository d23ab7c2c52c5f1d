"""Rules for the clinical lead: what each says, a change to one, what it would do, and the versions."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import times
from clinic.access import Role, allow, location_of, locations_of
from scheduling.rule_forms import RuleForm, SampleForm
from scheduling.rule_page import read_bookings, read_rules, read_sample, sun_reminder
from scheduling.rule_runs import newest_run, publish_rules
from treatments.models import CatalogueVersion
from treatments.publishing import PublishedMeanwhile, catalogue_of
from treatments.rule_editing import changes, still_said


def _current() -> CatalogueVersion:
    return CatalogueVersion.objects.select_related("published_by").current()


def _forms(request: HttpRequest, code: str, *, is_published: bool = False) -> tuple[RuleForm, SampleForm]:
    version, data = _current(), request.POST if request.method == "POST" else None
    catalogue = catalogue_of(version)
    if code not in catalogue.rules:
        raise Http404
    # publishing asks nothing of the sample, and keeps what stands in it
    about_sample = data if data and (not is_published or "visit_day" in data) else None
    zone, now = location_of(request).zone, times.now()
    return (
        RuleForm(data, version=version, code=code, is_published=is_published),
        SampleForm(about_sample, catalogue=catalogue, code=code, zone=zone, now=now),
    )


def _page(request: HttpRequest, form: RuleForm, sample: SampleForm, *, status: int = 200, **more) -> HttpResponse:
    context = {
        "form": form,
        "sample": sample,
        "version": form.version,
        "rule": (rule := form.catalogue.rules[form.code]),
        "named_sources": [form.catalogue.sources[name] for name in rule.sources],
        "rules": len(form.catalogue.rules),
        "run": newest_run(),
        "now": times.now(),
        **more,
    }
    template = "scheduling/_rule_trial.html" if request.htmx else "scheduling/rule_edit.html"
    return render(request, template, context, status=status)


@require_safe
@allow(Role.LEAD)
def rule_list(request: HttpRequest) -> HttpResponse:
    """All rules of the version in force."""
    version = _current()
    context = {"version": version, "groups": read_rules(catalogue_of(version)), "run": newest_run()}
    return render(request, "scheduling/rule_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.LEAD)
def rule_edit(request: HttpRequest, code: str) -> HttpResponse:
    """One rule, and its publication as a new version."""
    form, sample = _forms(request, code, is_published=request.method == "POST")
    if not form.is_bound:
        return _page(request, form, sample)
    seen = form["base"].field.clean(form["base"].data)
    if seen != form.version.number:
        return _outdated(request, form, sample)
    if not form.is_valid():
        return _page(request, form, sample, status=422)
    try:
        version = publish_rules(
            text=form.text, on_top_of=seen, note=form.cleaned_data["note"], by=request.user, now=times.now()
        )
    except PublishedMeanwhile:
        form.version = _current()
        return _outdated(request, form, sample)
    messages.success(request, _("Version %(number)d is in force.") % {"number": version.number})
    return redirect("scheduling:rule-edit", code)


def _outdated(request: HttpRequest, form: RuleForm, sample: SampleForm) -> HttpResponse:
    """Somebody published since the page was opened: both versions, and what was typed on top of the newer."""
    form, differences = form.on_top_of(form.version)
    return _page(request, form, sample, status=409, differences=differences)


@require_POST
@allow(Role.LEAD)
def rule_try(request: HttpRequest, code: str) -> HttpResponse:
    """What the draft would change: on the sample visit, and on every visit to come. Stores nothing."""
    form, sample = _forms(request, code)
    if not (form.is_valid() & sample.is_valid()):
        return _page(request, form, sample, status=422)
    found, own, now = changes(form.catalogue, form.draft), locations_of(request), times.now()
    trial = {
        "changes": found,
        "still_said": still_said(form.catalogue, form.draft, code),
        "sun_reminder": sun_reminder(form.catalogue, form.draft, locations=own, now=now),
        "tried": read_sample(form.catalogue, form.draft, code, sample),
        "bookings": read_bookings(form.text, locations=own, now=now) if found else None,
    }
    return _page(request, form, sample, **trial)


@require_safe
@allow(Role.LEAD)
def rule_versions(request: HttpRequest) -> HttpResponse:
    """Every version, the newest first."""
    versions = CatalogueVersion.objects.defer("source").select_related("published_by", "run")
    return render(request, "scheduling/rule_versions.html", {"versions": versions})


@require_safe
@allow(Role.LEAD)
def rule_version(request: HttpRequest, number: int) -> HttpResponse:
    """What one version changed about the one before it."""
    version = get_object_or_404(CatalogueVersion.objects.select_related("published_by"), number=number)
    before = CatalogueVersion.objects.filter(number__lt=number).first()
    found = changes(catalogue_of(before), catalogue_of(version)) if before else []
    context = {"version": version, "before": before, "changes": found}
    return render(request, "scheduling/rule_version.html", context)


@require_safe
@allow(Role.LEAD)
def rule_progress(request: HttpRequest) -> HttpResponse:
    """How far the newest version has come through the visits, for the pages that ask until it is through."""
    return render(request, "scheduling/_rule_progress.html", {"run": newest_run()})
