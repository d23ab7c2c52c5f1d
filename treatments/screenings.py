"""Running the rules on what is known of a patient, and keeping what they said."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction

from clinic.times import at_local
from patients.models import Patient
from treatments import screening
from treatments.answers import known_answers
from treatments.catalogue import Stage
from treatments.models import CatalogueVersion, CourseSession, Protocol, Screening, ScreeningFinding, Zone
from treatments.publishing import catalogue_of


def screen_patient(
    *,
    patient: Patient,
    protocol: Protocol,
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    zones: Iterable[Zone] = (),
) -> screening.Result:
    """What the current rules make of the patient's facts for a visit at `start` in a time zone. Stores nothing.

    `zones` are those of the skin; none means that they are not known, and any could be meant.
    """
    catalogue = catalogue_of(CatalogueVersion.objects.current())
    return screening.evaluate(
        catalogue=catalogue,
        answers=known_answers(patient, catalogue),
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=protocol.code,
        zones=[each.code for each in zones],
    )


def screen_session(
    *,
    session: CourseSession,
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    by,
    now: datetime,
    answers: Mapping[str, str] | None = None,
) -> Screening:
    """Screen a session for one start and keep the answers, the findings and the version of the rules.

    `answers` are those that are true of this visit alone; they stand before what is known of the patient.
    """
    version = CatalogueVersion.objects.current()
    stored, findings = compose_screening(
        session=session,
        version=version,
        answers=known_answers(session.course.patient, catalogue_of(version)) | (answers or {}),
        zones=[each.code for each in session.course.zones.all()],
        stage=stage,
        start=start,
        zone=zone,
        by=by,
        now=now,
    )
    with transaction.atomic():
        stored.save(force_insert=True)
        ScreeningFinding.objects.bulk_create(findings)
    return stored


def compose_screening(
    *,
    session: CourseSession,
    version: CatalogueVersion,
    answers: Mapping[str, str],
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    by,
    now: datetime,
    zones: Collection[str] = (),
) -> tuple[Screening, list[ScreeningFinding]]:
    """What a version's rules make of the answers for a session at one start, not stored yet."""
    result = screening.evaluate(
        catalogue=catalogue_of(version),
        answers=answers,
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=session.course.protocol.code,
        zones=zones,
    )
    composed = Screening(
        session=session,
        stage=stage,
        for_start=start,
        catalogue_version=version,
        answers=json.dumps(answers),
        outcome=result.outcome,
        not_before=result.not_before,
        created_at=now,
        created_by=by,
    )
    findings = [
        ScreeningFinding(
            screening=composed,
            rule_code=finding.rule,
            outcome=finding.outcome,
            clear_from=_instant(finding.clear_from, zone),
            reason=finding.reason,
            ends_only_with_answer=finding.ends_only_with_answer,
        )
        for finding in result.findings
    ]
    return composed, findings


def _instant(clear_from, zone: ZoneInfo) -> datetime | None:
    """A finding is clear from a local date or from an instant; the database keeps instants."""
    if clear_from is None or isinstance(clear_from, datetime):
        return clear_from
    return at_local(clear_from, time.min, zone)
