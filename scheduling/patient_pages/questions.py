"""What a patient is asked behind her link, one question after the other, and what she has typed so far.

The questions and the conditions between them are those of `treatments.forms.AnswersForm`. What was typed is kept as it
was posted, field by field, so that it can go through the form again: with other facts on file or other rules by now, a
question that no longer fits is simply asked once more. So is one that has been answered elsewhere since.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.times import local_date
from patients.health import date_in_words
from scheduling.models import PatientLink
from treatments.answers import on_file
from treatments.catalogue import AnsweredBy, Question, QuestionKind, Stage
from treatments.catalogue.spec import DATES
from treatments.forms import MAY_STAY_OPEN, AnswersForm, missing_answer
from treatments.models import CatalogueVersion
from treatments.publishing import catalogue_of
from treatments.question_fields import SAME

# What was typed: for each question, the fields of its form with their values.
Fields = Mapping[str, list[str]]


class OneByOneForm(AnswersForm):
    """All that applies is asked in turn, so that no choice may be passed over; only a date and own words may."""

    is_gone_through = True
    is_one_page = False

    def clean(self):
        super().clean()
        for question in self.asked:
            may_be_open = question.kind in MAY_STAY_OPEN or question.kind == QuestionKind.TEXT
            if question.ask_if and not may_be_open and not self.cleaned_data.get(question.id, True):
                self.add_error(question.id, missing_answer(question))


@dataclass(frozen=True)
class DateParts:
    """A date as three numbers, as far as it is known, and what may stand in its place."""

    day: str = ""
    month: str = ""
    year: str = ""
    is_still: bool = False
    is_unknown: bool = False

    @classmethod
    def posted(cls, id: str, data: QueryDict) -> "DateParts":
        numbers = {name: data.get(f"{id}_{name}", "").strip() for name in ("day", "month", "year")}
        return cls(**numbers, is_still=f"{id}_still" in data, is_unknown=f"{id}_unknown" in data)

    @classmethod
    def typed(cls, id: str, fields: Fields) -> "DateParts":
        text = next(iter(fields.get(id) or fields.get(f"{id}_0") or []), "")
        is_still = bool(fields.get(f"{id}_1"))
        numbers = dict(zip(("year", "month", "day"), reversed(text.split("/")), strict=False))
        return cls(**numbers, is_still=is_still, is_unknown=bool(fields) and not (text or is_still))

    @property
    def mistake(self) -> str:
        """What is wrong with them beside each other, in a sentence."""
        has_number = bool(self.day or self.month or self.year)
        if has_number + self.is_still + self.is_unknown > 1:
            return _("Give the date or tick one box, not both.")
        if not (has_number or self.is_still or self.is_unknown):
            return _("Give as much of the date as you know, or tick a box.")
        if has_number and not self.year:
            return _("Please give the year too.")
        if self.day and not self.month:
            return _("Please give the month too, or leave the day empty.")
        return ""

    def fields(self, id: str, field: forms.Field) -> dict[str, list[str]]:
        """As the form of the question reads them."""
        text = "/".join(part for part in (self.day, self.month, self.year) if part)
        if not isinstance(field, forms.MultiValueField):
            return {id: [text]}
        return {f"{id}_0": [text]} | ({f"{id}_1": ["on"]} if self.is_still else {})


@dataclass(frozen=True)
class Step:
    """One question on its page. `number` counts what is asked of everybody; a detail has the one that it follows."""

    question: Question
    field: forms.BoundField
    heading: str
    number: int
    total: int
    known_on: str  # since which day an answer is on file
    known: str  # that answer, in words
    said: str  # the answer that was typed, in words
    note: str  # what is said at once, before anybody has looked at the answers
    is_outdated: bool  # it was answered here, and elsewhere since
    reopens: bool  # whether what it follows brings the questions of the booking back
    parts: DateParts | None

    @property
    def is_detail(self) -> bool:
        return bool(self.question.ask_if)

    @property
    def kind(self) -> str:
        if self.parts:
            return "date"
        return "options" if isinstance(self.field.field, forms.ChoiceField) else "words"

    @property
    def is_several(self) -> bool:
        return isinstance(self.field.field, forms.MultipleChoiceField)

    @property
    def may_stay(self) -> bool:
        return SAME in dict(getattr(self.field.field, "choices", None) or getattr(self.field.field, "ticks", ()))

    @property
    def may_still(self) -> bool:
        return self.question.kind == QuestionKind.LAST_DATE


@dataclass(frozen=True)
class Part:
    """A heading of the list beside the questions."""

    heading: str
    is_current: bool
    is_done: bool


class Questionnaire:
    """The questions of a link as they apply now, over what was typed and, with `anew`, over one answer that is new.

    `outdated` are those of which a newer answer is known than the one that was typed. That one stands no longer, and
    neither do the details after it.
    """

    def __init__(self, link: PatientLink, *, anew: Mapping[str, Fields] | None = None, now: datetime | None = None):
        self.link, self.now = link, now
        self.appointment = link.appointment
        self.version = CatalogueVersion.objects.current()
        self.catalogue = catalogue_of(self.version)
        typed, anew = typed_behind(link), dict(anew or {})
        self.outdated = self._answered_since() & (typed.keys() - anew.keys())
        gone = set(self.outdated)
        for question in self.catalogue.questions.values():
            if not gone.isdisjoint(question.ask_if):
                gone.add(question.id)
        self.typed: dict[str, Fields] = {id: fields for id, fields in typed.items() if id not in gone} | anew

    def _answered_since(self) -> set[str]:
        """What anybody has answered elsewhere since the sheet was in step: about the patient, or about this visit."""
        if not hasattr(self.link, "typed"):
            return set()
        as_of, questions = self.link.typed.as_of, self.catalogue.questions
        of_patient = {id for id, known in on_file(self.appointment.patient, self.catalogue).items() if known.at > as_of}
        screenings = self.appointment.session.screenings.filter(stage=self.link.purpose).newest_first()
        newest, known = screenings.first(), screenings.filter(created_at__lte=as_of).first()
        said, before = (json.loads(each.answers) if each else {} for each in (newest, known))
        of_visit = {id for id in said if id in questions and questions[id].keeps is None and said[id] != before.get(id)}
        return of_patient | of_visit

    @cached_property
    def form(self) -> OneByOneForm:
        data = QueryDict(mutable=True)
        for fields in self.typed.values():
            for name, values in fields.items():
                data.setlist(name, values)
        course = self.appointment.session.course
        form = OneByOneForm(
            data,
            catalogue=self.catalogue,
            stage=Stage(self.link.purpose),
            patient=course.patient,
            zone=self.appointment.location.zone,
            protocol=course.protocol.code,
            zones=[zone.code for zone in course.zones.all()],
            start=self.appointment.starts_at,
            by=AnsweredBy.PATIENT,
            now=self.now,
        )
        form.is_valid()
        for id in form.errors.keys() - self.typed.keys():  # nobody has made a mistake there yet
            del form.errors[id]
        return form

    @cached_property
    def steps(self) -> list[Step]:
        """The questions that apply after what was typed, in the order of their pages."""
        asked = {question.id for question in self.form.asked}
        rows = [(group.heading, row.field) for group in self.form.groups() for row in group.rows]
        rows = [(heading, field) for heading, field in rows if field.name in asked]
        total = sum(not self.catalogue.questions[field.name].ask_if for _heading, field in rows)
        steps, number = [], 0
        for heading, field in rows:
            number += not self.catalogue.questions[field.name].ask_if
            steps.append(self._step(heading, field, max(number, 1), max(total, 1)))
        return steps

    def _step(self, heading: str, field: forms.BoundField, number: int, total: int) -> Step:
        question = next(each for each in self.form.questions if each.id == field.name)
        known = self.form.known.get(question.id) if not question.ask_if else None
        fields = self.typed.get(question.id, {})
        return Step(
            question=question,
            field=field,
            heading=heading,
            number=number,
            total=total,
            known_on=date_format(local_date(known.at, self.form.zone), "j F Y") if known else "",
            known=_in_words(question, field.field, known.answer) if known else "",
            said=_in_words(question, field.field, self.form.cleaned_data.get(question.id, "")) if fields else "",
            note=self._note(question),
            parts=DateParts.typed(question.id, fields) if question.kind in DATES else None,
            is_outdated=question.id in self.outdated,
            reopens=any(self.catalogue.questions[id].reopens for id in question.ask_if),
        )

    def _note(self, question: Question) -> str:
        """Beside what is asked about a medicine: that nobody is to stop it by herself."""
        rules = [rule for rule in self.catalogue.rules.values() if rule.never_say_stop]
        about = {id for rule in rules for ids in rule.questions.values() for id in ids}
        return next((self.catalogue.questions[id].patient_message for id in question.ask_if if id in about), "")

    def step(self, id: str) -> Step | None:
        return next((step for step in self.steps if step.question.id == id), None)

    @property
    def first_open(self) -> str | None:
        """The first question that waits for an answer, or whose answer fits no longer."""
        return next(filter(self._is_open, self._order), None)

    def before(self, step: Step) -> str | None:
        order = self._order
        return ([None, *order])[order.index(step.question.id)]

    def beside(self, step: Step) -> tuple[list[Step], list[Step]]:
        """What is answered of the same part, before a question and after it."""
        at = self._order.index(step.question.id)
        return self._answered(step.heading, self.steps[:at]), self._answered(step.heading, self.steps[at + 1 :])

    def _answered(self, heading: str, steps: list[Step]) -> list[Step]:
        return [step for step in steps if step.heading == heading and not self._is_open(step.question.id)]

    @property
    def answered(self) -> int:
        return sum(not self._is_open(id) for id in self._order)

    @property
    def _order(self) -> list[str]:
        return [step.question.id for step in self.steps]

    def _is_open(self, id: str) -> bool:
        return id not in self.typed or id in self.form.errors

    def parts(self, current: Step) -> list[Part]:
        """The headings in their order, for the list beside the questions."""
        by_heading = {}
        for step in self.steps:
            by_heading.setdefault(step.heading, []).append(step.question.id)
        return [
            Part(heading, heading == current.heading, not any(map(self._is_open, ids)))
            for heading, ids in by_heading.items()
        ]

    def fields_in(self, question: Question, data: QueryDict) -> dict[str, list[str]]:
        """The fields of one question in a form that was posted."""
        if question.kind in DATES:
            return DateParts.posted(question.id, data).fields(question.id, self.form.fields[question.id])
        names = [question.id, *(f"{question.id}_{number}" for number in range(4))]
        return {name: data.getlist(name) for name in names if name in data}


def typed_behind(link: PatientLink) -> dict[str, Fields]:
    return json.loads(link.typed.answers) if hasattr(link, "typed") else {}


def _in_words(question: Question, field: forms.Field, said: str) -> str:
    """An answer as the page of the question words it."""
    if question.kind in DATES:
        words = date_in_words(said) if said else _("I do not remember")
        return words[:1].upper() + words[1:]
    labels = dict(getattr(field, "choices", None) or getattr(field, "ticks", ()))
    if isinstance(field, forms.ChoiceField):
        return ", ".join(str(labels.get(word, word)) for word in said.split(", ")) if said else _("Left open")
    return str(labels.get(said, said)) or _("Left open")
