"""The only writers of what is typed behind a link: kept answer by answer, and sent once as a whole."""

import json
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from patients.models import MedicalFact
from scheduling.calls import ask_for_call
from scheduling.models import Appointment, PatientAnswers, PatientLink
from scheduling.patient_pages.gate import LinkClosed, is_open
from scheduling.patient_pages.questions import Fields, Questionnaire
from scheduling.patient_pages.results import result_of
from scheduling.rescreening import rescreen_patient
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.models import CatalogueVersion, Screening
from treatments.screening import AnswerError
from treatments.screenings import screen_session

Cause = Screening.Cause


class NotSent(Exception):
    """Nothing was sent, and nothing is lost. `message` is a sentence for the patient."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


def keep_answer(
    *, link: PatientLink, question: str, fields: Fields, version: CatalogueVersion, now: datetime
) -> PatientAnswers:
    """Keep one answer as it was typed, beside the others. What was sent before counts until all is sent again.

    Raises LinkClosed when the visit has begun or is cancelled by now.
    """
    with transaction.atomic():
        locked = _locked(link, now)
        typed = _typed(locked, now)
        if typed.sent_at:
            typed.begun_at, typed.sent_at = now, None
        typed.answers = json.dumps(json.loads(typed.answers) | {question: dict(fields)})
        typed.catalogue_version = version
        typed.save()
        return typed


def send_answers(*, link: PatientLink, version: str, noted: str, now: datetime) -> None:
    """Let the answers count: as facts of the patient, for her visit at the stage of the link, for her other visits.

    Sent twice is sent once. `version` and `noted` are what her page was made with: the questions' version, and what
    `noted_meanwhile` said. Raises NotSent when either is another by now, when an answer is missing or cannot be
    understood, and LinkClosed.
    """
    with transaction.atomic():
        locked = _locked(link, now)
        typed = _typed(locked, now)
        if typed.sent_at:
            return
        sheet = Questionnaire(locked)
        if sheet.first_open:
            raise NotSent(_("One more answer is missing."))
        if str(sheet.version.number) != version:
            raise NotSent(_("Our questions have changed. Please read your answers once more, and then send them."))
        if noted_meanwhile(locked) != noted:
            raise NotSent(_("Please look at this page once more, and then send your answers."))
        try:
            _let_count(sheet, now)
        except AnswerError as mistake:
            raise NotSent(str(mistake)) from mistake
        typed.sent_at, typed.catalogue_version = now, sheet.version
        typed.save()
        if result_of(locked.appointment, now).is_unsure:  # her page says that she is called
            ask_for_call(appointment=locked.appointment, now=now)


def noted_meanwhile(link: PatientLink) -> str:
    """When staff last wrote down something about her health after she had begun; empty if they did not.

    Her own answers then stand beside theirs, and she is told so before hers replace them.
    """
    if not hasattr(link, "typed"):
        return ""
    patient, begun_at = link.appointment.patient, link.typed.begun_at
    facts = MedicalFact.objects.filter(patient=patient, recorded_at__gt=begun_at, recorded_by__isnull=False)
    newest = facts.aggregate(at=Max("recorded_at"))["at"]
    return newest.isoformat() if newest else ""


def _locked(link: PatientLink, now: datetime) -> PatientLink:
    """The link as it stands, with its visit locked against everybody who moves or begins it."""
    Appointment.objects.select_for_update(no_key=True).get(pk=link.appointment_id)
    stored = PatientLink.objects.with_everything().get(pk=link.pk)
    if not is_open(stored, now):
        raise LinkClosed(stored)
    return stored


def _typed(link: PatientLink, now: datetime) -> PatientAnswers:
    return link.typed if hasattr(link, "typed") else PatientAnswers(link=link, begun_at=now, answers="{}")


def _let_count(sheet: Questionnaire, now: datetime) -> None:
    link, answers, questions = sheet.link, sheet.form.answers, sheet.catalogue.questions
    appointment, session = link.appointment, link.appointment.session
    record_answers(patient=appointment.patient, answers=answers, by=None, now=now, zones=sheet.form.zones)
    of_this_visit = {id: said for id, said in answers.items() if questions[id].keeps is None}
    stages = [Stage(link.purpose)]
    newest = session.screenings.newest_first().first()
    if newest and (newest.stage, newest.for_start) == (Stage.PREVISIT, appointment.starts_at):
        # the check stays the newest word on the visit, over what is known by now
        stages = list(dict.fromkeys([*stages, Stage.PREVISIT]))
    for stage in stages:
        screen_session(
            session=session,
            stage=stage,
            start=appointment.starts_at,
            zone=appointment.location.zone,
            cause=Cause.ANSWERS,
            answers=of_this_visit if stage == link.purpose else None,
            by=None,
            now=now,
        )
    rescreen_patient(patient=appointment.patient, cause=Cause.ANSWERS, by=None, now=now)
