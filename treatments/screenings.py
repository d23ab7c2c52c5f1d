"""Running the rules on what is known of a patient, and keeping what they said."""

import json
from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction

from clinic.times import at_local
from patients.models import Patient
from treatments import screening
from treatments.answers import known_answers
from treatments.catalogue import Stage
from treatments.models import CatalogueVersion, CourseSession, Protocol, Screening, ScreeningFinding
from treatments.publishing import catalogue_of


def screen_patient(
    *, patient: Patient, protocol: Protocol, stage: Stage, start: datetime, zone: ZoneInfo
) -> screening.Result:
    """What the current rules make of the patient's facts for a visit at `start`. Stores nothing."""
    return screening.evaluate(
        catalogue=catalogue_of(CatalogueVersion.objects.current()),
        answers=known_answers(patient),
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=protocol.code,
    )


def screen_session(
    *, session: CourseSession, stage: Stage, start: datetime, zone: ZoneInfo, by, now: datetime
) -> Screening:
    """Screen a session for one start and keep the answers, the findings and the version of the rules."""
    stored, findings = compose_screening(
        session=session,
        version=CatalogueVersion.objects.current(),
        answers=known_answers(session.course.patient),
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
) -> tuple[Screening, list[ScreeningFinding]]:
    """What a version's rules make of the answers for a session at one start, not stored yet."""
    result = screening.evaluate(
        catalogue=catalogue_of(version),
        answers=answers,
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=session.course.protocol.code,
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
