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
from treatments.catalogue import Catalogue, Outcome, Stage
from treatments.decisions import carry_decision, standing
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

    `answers` are those that are true of this visit alone; they stand before what is known of the patient. What was
    said before at this stage counts on, as long as it was about this very start: the hours before another one are other
    hours. What an earlier stage found, what this one does not ask and what nobody lifted stands on. Where the findings
    stay the same, so does the decision on them.
    """
    version = CatalogueVersion.objects.current()
    catalogue = catalogue_of(version)
    earlier = session.screenings.filter(stage=stage, for_start=start).newest_first().select_related("decision").first()
    known = known_answers(session.course.patient, catalogue)
    stored, findings = compose_screening(
        session=session,
        version=version,
        answers=_said_of_the_visit(earlier, catalogue) | known | dict(answers or {}),
        zones=[each.code for each in session.course.zones.all()],
        stage=stage,
        start=start,
        zone=zone,
        by=by,
        now=now,
    )
    _let_stand(_left_standing(stored, {finding.rule_code for finding in findings}), stored, findings)
    with transaction.atomic():
        stored.save(force_insert=True)
        ScreeningFinding.objects.bulk_create(findings)
        if earlier:
            carry_decision(earlier=earlier, screening=stored, findings=findings)
    return stored


def screen_anew(*, session: CourseSession, start: datetime, zone: ZoneInfo, by, now: datetime) -> None:
    """Screen a session that has checked in for `start` once more, where its facts or the rules have changed since."""
    newest = session.screenings.newest_first().first()
    if newest is None or (newest.stage, newest.for_start) != (Stage.CHECKIN, start):
        return
    version = CatalogueVersion.objects.current()
    catalogue = catalogue_of(version)
    answers = _said_of_the_visit(newest, catalogue) | known_answers(session.course.patient, catalogue)
    if newest.catalogue_version_id != version.pk or json.loads(newest.answers) != answers:
        screen_session(session=session, stage=Stage.CHECKIN, start=start, zone=zone, by=by, now=now)


def _said_of_the_visit(earlier: Screening | None, catalogue: Catalogue) -> dict[str, str]:
    """What an earlier screening was told that is no fact of the patient; the facts themselves are read afresh."""
    said = json.loads(earlier.answers) if earlier else {}
    questions = catalogue.questions
    return {id: answer for id, answer in said.items() if id in questions and questions[id].keeps is None}


def _left_standing(screening: Screening, asked: set[str]) -> list[ScreeningFinding]:
    """What stands in the way since the newest screening of an earlier stage, under rules that are not `asked` now."""
    stages = list(Stage)
    before = (
        Screening.objects.filter(session=screening.session_id, stage__in=stages[: stages.index(Stage(screening.stage))])
        .newest_first()
        .select_related("decision")
        .first()
    )
    if before is None or not before.stands_in_the_way:
        return []
    rules = catalogue_of(screening.catalogue_version).rules
    return [
        finding
        for finding in standing(before.findings.all())
        if finding.rule_code not in asked and finding.rule_code in rules
    ]


def _let_stand(left: list[ScreeningFinding], screening: Screening, findings: list[ScreeningFinding]) -> None:
    """Add what an earlier stage left behind to a screening that is not stored yet."""
    for finding in left:
        finding.pk, finding.screening = None, screening
        findings.append(finding)
        outcome = Outcome(finding.outcome)
        screening.outcome = max(Outcome(screening.outcome), outcome, key=lambda each: each.severity)
        if outcome.is_blocking and finding.clear_from:
            screening.not_before = max(filter(None, [screening.not_before, finding.clear_from]))


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
