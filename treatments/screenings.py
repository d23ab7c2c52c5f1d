"""Running the rules on what is known of a patient, and keeping what they said."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from clinic.audit import record_creations
from patients.models import Patient
from treatments import screening
from treatments.answers import OnFile, Withdrawn, answers_about, on_file, on_file_of, withdrawn_of
from treatments.catalogue import Catalogue, Outcome, Stage
from treatments.decisions import decision_that_holds, let_pass, said_by, standing
from treatments.models import (
    CatalogueVersion,
    CourseSession,
    Protocol,
    Screening,
    ScreeningDecision,
    ScreeningFinding,
    Zone,
)
from treatments.publishing import catalogue_of
from treatments.taken_back import TakenBack

Cause = Screening.Cause


@dataclass(frozen=True)
class VisitToScreen:
    """A session with the start and the time zone that it is to be screened for."""

    session: CourseSession
    start: datetime
    zone: ZoneInfo


@dataclass(frozen=True)
class Composed:
    """A screening that is not stored yet, with its findings and the decision that goes on holding for them.

    `before` is the newest that is stored for the session, `at_booking` what the rules of the booking say by now.
    """

    screening: Screening
    findings: list[ScreeningFinding]
    decision: ScreeningDecision | None = None
    before: Screening | None = None
    at_booking: "Composed | None" = None

    @property
    def stands_in_the_way(self) -> bool:
        """What `Screening.stands_in_the_way` will say once it is stored."""
        goes_ahead = self.decision and self.decision.kind in ScreeningDecision.GOES_AHEAD
        return self.screening.outcome in Screening.STANDS_IN_THE_WAY and not goes_ahead


def screen_patient(
    *,
    patient: Patient,
    protocol: Protocol,
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    zones: Iterable[Zone] = (),
    now: datetime | None = None,
) -> screening.Result:
    """What the current rules make of the patient's facts for a visit at `start` in a time zone. Stores nothing.

    `zones` are those of the skin; none means that they are not known, and any could be meant. With `now` it counts how
    little time is left until then.
    """
    catalogue, codes = catalogue_of(CatalogueVersion.objects.current()), [each.code for each in zones]
    return screening.evaluate(
        catalogue=catalogue,
        answers=answers_about(codes, on_file(patient, catalogue), catalogue),
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=protocol.code,
        zones=codes,
        asked_at=now,
    )


def screen_session(
    *,
    session: CourseSession,
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    cause: Screening.Cause,
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
    version, patient = CatalogueVersion.objects.current(), session.course.patient
    composed = _compose_at(
        stage,
        VisitToScreen(session, start, zone),
        version=version,
        history=_histories([session])[session.pk],
        known=on_file(patient, catalogue_of(version)),
        withdrawn=withdrawn_of([patient], catalogue_of(version))[patient.pk],
        said=answers or {},
        cause=cause,
        by=by,
        now=now,
    )
    _store([composed], by=by)
    return composed.screening


def screen_again(*, visits: Collection[VisitToScreen], cause: Screening.Cause, by, now: datetime) -> list[Screening]:
    """Run the current rules once more for sessions that were screened, each at the stage that it has reached.

    Stores and returns those of which something has changed: an answer, a finding or the version of the rules. A
    constant number of queries, however many there are. Read the sessions with course, protocol, patient and zones.
    """
    version = CatalogueVersion.objects.current()
    with transaction.atomic():
        keys = [visit.session.pk for visit in visits]
        # whoever decides meanwhile waits, or is waited for
        list(CourseSession.objects.filter(pk__in=keys).select_for_update(no_key=True).order_by("pk").values_list("pk"))
        composed = compose_again(visits=visits, version=version, cause=cause, by=by, now=now)
        changed = [each for each in composed if _differs(each)]
        _store(changed, by=by)
    return [each.screening for each in changed]


def compose_again(
    *, visits: Collection[VisitToScreen], version: CatalogueVersion, cause: Screening.Cause, by, now: datetime
) -> list[Composed]:
    """What a version of the rules makes of sessions that were screened, each at the stage that it has reached.

    Stores nothing, and the version need not be stored either. A constant number of queries.
    """
    histories = _histories([visit.session for visit in visits])
    patients, catalogue = {visit.session.course.patient for visit in visits}, catalogue_of(version)
    known, withdrawn = on_file_of(patients, catalogue), withdrawn_of(patients, catalogue)
    found = []
    for visit in visits:
        history = histories[visit.session.pk]
        if not history:
            continue
        newest = history[0]
        found.append(
            _compose_at(
                Stage(newest.stage) if newest.for_start == visit.start else Stage.BOOKING,
                visit,
                version=version,
                history=history,
                known=known[visit.session.course.patient_id],
                withdrawn=withdrawn[visit.session.course.patient_id],
                said={},
                cause=cause,
                by=by,
                now=now,
            )
        )
    return found


def _histories(sessions: Collection[CourseSession]) -> dict[int, list[Screening]]:
    """All screenings of some sessions, newest first, by session."""
    found = defaultdict(list)
    screenings = Screening.objects.filter(session__in=sessions).newest_first().with_findings()
    for each in screenings.select_related("catalogue_version", "created_by"):
        found[each.session_id].append(each)
    return found


def _store(composed: Collection[Composed], *, by) -> None:
    at_booking = [each.at_booking for each in composed if each.at_booking and _differs(each.at_booking)]
    composed = [*at_booking, *composed]  # the stage that was reached is stored last, so that it is the newest
    with transaction.atomic():
        screenings = Screening.objects.bulk_create(each.screening for each in composed)
        ScreeningFinding.objects.bulk_create(finding for each in composed for finding in each.findings)
        decisions = ScreeningDecision.objects.bulk_create(each.decision for each in composed if each.decision)
        record_creations([*screenings, *decisions], by=by)


def _compose_at(stage: Stage, visit: VisitToScreen, *, history: list[Screening], said, **facts) -> Composed:
    """Past the booking its rules are asked anew as well: what has become known since may be about one of them."""
    booked, at_booking = next((each for each in history if each.stage == Stage.BOOKING), None), None
    if booked and stage != Stage.BOOKING:
        at_booking = replace(_compose(visit, stage=Stage.BOOKING, history=history, said={}, **facts), before=booked)
    composed = _compose(visit, stage=stage, history=history, said=said, at_booking=at_booking, **facts)
    return replace(composed, before=history[0] if history else None, at_booking=at_booking)


def _compose(
    visit: VisitToScreen,
    *,
    version: CatalogueVersion,
    history: list[Screening],
    known: Mapping[str, OnFile],
    withdrawn: Collection[Withdrawn],
    said: Mapping[str, str],
    stage: Stage,
    cause: Screening.Cause,
    by,
    now: datetime,
    at_booking: Composed | None = None,
) -> Composed:
    session, start, catalogue = visit.session, visit.start, catalogue_of(version)
    zones = [each.code for each in session.course.zones.all()]
    earlier = next((each for each in history if (each.stage, each.for_start) == (stage, start)), None)
    before = _newest_before(history, stage, start)
    stored, findings = compose_screening(
        session=session,
        version=version,
        answers=_said_before(earlier, said, catalogue) | answers_about(zones, known, catalogue) | dict(said),
        zones=zones,
        stage=stage,
        start=start,
        zone=visit.zone,
        cause=cause,
        by=by,
        now=now,
        has_time=any(each.goes_ahead for each in before),
    )
    TakenBack(stored, catalogue, history, withdrawn, visit.zone, zones).hold(findings)
    asked = {finding.rule_code for finding in findings}
    _let_stand(_left_standing(stored, asked, history, at_booking), stored, findings)
    return Composed(stored, findings, decision_that_holds(before=before, screening=stored, findings=findings))


def _newest_before(history: list[Screening], stage: Stage, start: datetime) -> list[Screening]:
    """The newest screening of this stage and of each one before it, as far as they are about this start.

    At the booking the newest one counts whatever its start: it is about the patient.
    """
    stages = list(Stage)
    found: dict[str, Screening] = {}
    for each in history:
        if stage == Stage.BOOKING or each.for_start == start:
            found.setdefault(each.stage, each)
    return [found[at] for at in reversed(stages[: stages.index(stage) + 1]) if at in found]


def _differs(composed: Composed) -> bool:
    made, newest = composed.screening, composed.before
    return (
        made.catalogue_version_id != newest.catalogue_version_id
        or made.for_start != newest.for_start
        or json.loads(made.answers) != json.loads(newest.answers)
        or set(map(said_by, composed.findings)) != set(map(said_by, newest.findings.all()))
    )


def _said_before(earlier: Screening | None, said: Collection[str], catalogue: Catalogue) -> dict[str, str]:
    """What an earlier screening was told that is no fact of the patient; the facts themselves are read afresh.

    A question that is answered anew takes the place of all that followed from it before, whether that is said again
    or not.
    """
    told = json.loads(earlier.answers) if earlier else {}
    questions, replaced = catalogue.questions, catalogue.following(said)
    return {
        id: answer
        for id, answer in told.items()
        if id in questions and questions[id].keeps is None and id not in replaced
    }


def _left_standing(
    screening: Screening, asked: set[str], history: list[Screening], at_booking: Composed | None
) -> list[ScreeningFinding]:
    """What stands in the way since the newest screening of an earlier stage, under rules that are not `asked` now.

    Where the rules of the booking were asked anew, they speak for themselves, but for what somebody has let pass in the
    same words. Where the visit was moved, a hold of a later stage waits on for its decision; what blocked the other
    start is asked anew before this one.
    """
    stages = list(Stage)
    earlier_stages = stages[: stages.index(Stage(screening.stage))]
    before = next((each for each in history if each.stage in earlier_stages), None)
    left = standing(before.findings.all()) if before and before.stands_in_the_way else []
    newest = history[0] if history else None
    if newest and newest.for_start != screening.for_start and newest.stage == Stage.PREVISIT:
        left = [each for each in standing(newest.findings.all()) if each.outcome == Outcome.HOLD]
        left = left if newest.stands_in_the_way else []
    if at_booking:
        spoken = {finding.rule_code for finding in at_booking.findings}
        passed = set().union(*(let_pass(each, screening.for_start) for each in history))
        left = [finding for finding in left if finding.rule_code not in spoken]
        left += [finding for finding in standing(at_booking.findings) if said_by(finding) not in passed]
    rules = catalogue_of(screening.catalogue_version).rules
    return [finding for finding in left if finding.rule_code not in asked and finding.rule_code in rules]


def _let_stand(left: list[ScreeningFinding], screening: Screening, findings: list[ScreeningFinding]) -> None:
    """Add what another stage left behind to a screening that is not stored yet."""
    for finding in left:
        copy = finding.again_in(screening)
        findings.append(copy)
        outcome = Outcome(copy.outcome)
        screening.outcome = max(Outcome(screening.outcome), outcome, key=lambda each: each.severity)
        if outcome.is_blocking and copy.clear_from:
            screening.not_before = max(filter(None, [screening.not_before, copy.clear_from]))


def compose_screening(
    *,
    session: CourseSession,
    version: CatalogueVersion,
    answers: Mapping[str, str],
    stage: Stage,
    start: datetime,
    zone: ZoneInfo,
    cause: Screening.Cause,
    by,
    now: datetime,
    zones: Collection[str] = (),
    has_time: bool = False,
) -> tuple[Screening, list[ScreeningFinding]]:
    """What a version's rules make of the answers for a session at one start, not stored yet.

    A visit that somebody has let pass `has_time`: it no longer waits for a prescriber, so none can be too late.
    """
    result = screening.evaluate(
        catalogue=catalogue_of(version),
        answers=answers,
        stage=stage,
        visit_start=start,
        zone=zone,
        protocol=session.course.protocol.code,
        zones=zones,
        asked_at=None if has_time else now,
    )
    composed = Screening(
        session=session,
        stage=stage,
        for_start=start,
        cause=cause,
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
            zones=", ".join(finding.zones),
            clear_from=finding.clear_from and screening.instant_of(finding.clear_from, zone),
            reason=finding.reason,
            ends_only_with_answer=finding.ends_only_with_answer,
        )
        for finding in result.findings
    ]
    return composed, findings
