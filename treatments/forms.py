"""The question form, made from the catalogue: the one place where reception meets a medicine's name."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.times import earlier_reading, local_date
from patients.partial_dates import PartialDate
from treatments.answers import OnFile, on_file, skin_of
from treatments.catalogue import AnsweredBy, Catalogue, Question, QuestionKind, Stage
from treatments.catalogue.named_windows import asked
from treatments.catalogue.spec import DATES, NO, NONE, NOT_SURE, YES
from treatments.question_fields import SAME, TickField, field_for
from treatments.screening import STILL

# What can be left open: a day that nobody can say now, and a tick for what is not done yet.
WITH_DAYS = DATES | {QuestionKind.INSTANT}
MAY_STAY_OPEN = WITH_DAYS | {QuestionKind.STAFF_TICK}

# One of these must hold: the name of a field and the value that it must have. Empty stands for none at all, and MORE
# for more than one.
Alternatives = tuple[tuple[str, str], ...]
MORE = "+"


@dataclass(frozen=True)
class Row:
    """A question on the page, with the conditions under which it is asked as `questions.js` reads them."""

    field: forms.BoundField
    condition: str

    @property
    def template(self) -> str:
        return self.field.field.template


@dataclass(frozen=True)
class Group:
    """Questions under one heading. `same` is one tick for all of them, where all is known."""

    heading: str
    condition: str
    same: forms.BoundField | None
    rows: list[Row]


class AnswersForm(forms.Form):
    """The questions that the active rules ask at a stage. `answers` holds what was answered, by question id.

    With a `protocol` and `zones` (codes) it asks what concerns them. Without, it stands beside fields of these names
    and follows what is chosen there. `start` is the visit's, where it asks since when something has been. `by` leaves
    only what the patient answers, or what staff look at. `now` is when something is answered: a date lies before it.

    At booking, a question that was answered before may be left as “nothing has changed”, and so may a whole group; it
    then stays out of `answers`. A question about the skin that is to be treated is asked anew where the answer is
    about other skin, or may be because zones are still chosen beside the form. Where a single zone is treated, nobody
    is asked where.

    Later stages ask again only what is not known, unless a yes to a question that reopens the booking brings its
    questions back: all of them, or none yet. What does not apply is dropped, whatever was typed; on a page that shows
    it all at once, a date beside a “no” is asked about.
    """

    is_one_page = True

    def __init__(
        self,
        *args,
        catalogue: Catalogue,
        stage: Stage,
        patient,
        zone,
        protocol: str | None = None,
        zones: Collection[str] = (),
        start: datetime | None = None,
        by: AnsweredBy | None = None,
        now: datetime | None = None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.born, self.now = patient.date_of_birth, now
        self.catalogue, self.stage, self.zone = catalogue, stage, zone
        self.protocol, self.zones, self.by = protocol, zones, by
        known = on_file(patient, catalogue)
        self.known = {id: each for id, each in known.items() if not self._is_about_other_skin(id, each)}
        now = self._needed(stage)
        self.reopening = next((question for question in now if question.reopens), None)
        anew = {question.id for question in now if self._is_asked_anew(question)}
        for q in now:  # in their order, so that what follows something that is not asked is not asked either
            if q.ask_if and anew.isdisjoint(q.ask_if) and not self._follows_from_file(q, anew):
                anew.discard(q.id)
        self.reopened = {q.id for q in self._needed(self.reopening.reopens)} - anew if self.reopening else set()
        here = anew | self.reopened
        self.questions = [
            asked(catalogue, q, start=start, zone=zone) for id, q in catalogue.questions.items() if id in here
        ]
        self.conditions = {question.id: self._conditions(question, anew) for question in self.questions}
        self.same = self._groups_on_file()
        for question in self.questions:
            self.fields[question.id] = field_for(
                question, is_known=self._may_stay(question), zones=self.zones, is_patients=by == AnsweredBy.PATIENT
            )
            if self._may_stay(question):
                self.fields[question.id].help_text = self._answered(question)
        for group, day in self.same.items():
            self.fields[_same(group)] = TickField(
                label=_("Nothing has changed here since %(day)s") % {"day": day},
                help_text="" if by == AnsweredBy.PATIENT else _("Ask whether that still holds."),
            )

    # What is asked

    def _needed(self, stage: Stage) -> list[Question]:
        return [
            question
            for question in self.catalogue.questions_at(stage, protocol=self.protocol, zones=self.zones)
            if question.kind != QuestionKind.BIRTH_DATE and self.by in (None, question.by)
            if question.kind != QuestionKind.ZONES or len(self.zones) != 1
        ]

    def _is_asked_anew(self, question: Question) -> bool:
        return (
            self.stage == Stage.BOOKING
            or question.id not in self.known
            or any(each.keeps is None for each in self._parents(question))
            or any(each.of_skin and each.id not in self.known for each in self._parents(question))
        )

    def _parents(self, question: Question) -> list[Question]:
        return [self.catalogue.questions[id] for id in question.ask_if]

    def _may_stay(self, question: Question) -> bool:
        return question.id in self.known and not question.ask_if and not self._leads_to_this_skin(question)

    def _is_about_other_skin(self, id: str, known: OnFile) -> bool:
        """Whether an answer that is known was, or may have been, about the skin of another treatment."""
        of_skin = self.catalogue.questions[id].of_skin
        return of_skin and (self.protocol is None or not skin_of(self.zones) <= known.skin)

    def _leads_to_this_skin(self, question: Question) -> bool:
        """Whether the answer that is known calls for a question about skin, which nobody has answered for this skin."""
        said = self.known[question.id].answer.split(", ")
        follow = (each for each in self.catalogue.questions.values() if each.of_skin and each.id not in self.known)
        return any(not set(each.ask_if.get(question.id, ())).isdisjoint(said) for each in follow)

    def _answered(self, question: Question) -> str:
        """All that anybody is shown of an answer that is known. Staff read it once for a group of one day."""
        day = self._day(question)
        if self.by == AnsweredBy.PATIENT:
            return _("You answered this on %(day)s.") % {"day": day}
        if self.same.get(question.group) == day:
            return ""
        return _("Answered on %(day)s. Ask whether that still holds.") % {"day": day}

    def _day(self, question: Question) -> str:
        return date_format(local_date(self.known[question.id].at, self.zone), "j F Y")

    def _groups_on_file(self) -> dict[str, str]:
        """The groups of which everything that is always asked is known, and since which day."""
        same = {}
        for group in self.catalogue.question_groups:
            firsts = [q for q in self.questions if q.group == group and not q.ask_if]
            known = [q for q in firsts if self._may_stay(q)]
            always = [q for q in firsts if q.id in self.reopened or not self.conditions[q.id]]
            if len(known) > 1 and all(self._may_stay(q) or q.of_skin for q in always):
                same[group] = self._day(min(known, key=lambda q: self.known[q.id].at))
        return same

    # Under which conditions

    def _conditions(self, question: Question, anew: set[str]) -> list[Alternatives]:
        """What must hold for a question to be asked, apart from the tick of its group."""
        conditions = []
        if question.id in self.reopened:
            conditions.append(((self.reopening.id, YES),))
        if question.ask_if and not self._follows_from_file(question, anew):
            here = anew | self.reopened
            conditions.append(
                tuple((id, value) for id, values in question.ask_if.items() if id in here for value in values)
            )
        if question.kind == QuestionKind.ZONES and not self.zones:
            conditions.append((("zones", ""), ("zones", MORE)))
        if self.protocol is None:
            for name, codes in zip(("protocol", "zones"), self.catalogue.concerns(question, self.stage), strict=True):
                if codes:
                    conditions.append(((name, ""), *((name, code) for code in sorted(codes))))
        return conditions

    def _follows_from_file(self, question: Question, anew: set[str]) -> bool:
        """Whether an answer that is known, and not asked anew, already calls for the question.

        One that is answered on file as well follows what is asked of this visit alone.
        """
        of_the_visit = [each.id for each in self._parents(question) if each.keeps is None]
        if question.id in self.known and not anew.isdisjoint(of_the_visit):
            return False
        return question.id in anew and any(
            id not in anew and id in self.known and not set(self.known[id].answer.split(", ")).isdisjoint(values)
            for id, values in question.ask_if.items()
        )

    def _all_conditions(self, question: Question) -> list[Alternatives]:
        in_group = question.group in self.same and self._is_left_by_tick(question)
        unless_same: list[Alternatives] = [((_same(question.group), ""),)] if in_group else []
        return [*unless_same, *self.conditions[question.id]]

    def _is_left_by_tick(self, question: Question) -> bool:
        """Whether “nothing has changed” stands for a question: for what may stay, and for what would follow from it."""
        if not question.ask_if:
            return self._may_stay(question)
        parents = [each for each in self.questions if each.id in question.ask_if]
        return bool(self.conditions[question.id]) and any(map(self._is_left_by_tick, parents))

    def _holds(self, conditions: list[Alternatives]) -> bool:
        return all(
            any(_is_given(value, given) for given, value in self._given(alternatives)) for alternatives in conditions
        )

    def _given(self, alternatives: Alternatives) -> Iterator[tuple[list[str], str]]:
        """What stands in the fields that the alternatives name: in this form, or beside it."""
        for name, value in alternatives:
            if name in self.fields:
                yield (self.cleaned_data.get(name) or "").split(", "), value
            else:
                yield self._beside(name), value

    def _beside(self, name: str) -> list[str]:
        """What stands in a field beside this form."""
        read = getattr(self.data, "getlist", lambda key: [self.data[key]] if key in self.data else [])
        return read(name)

    @property
    def chosen_zones(self) -> list[str]:
        """The codes of the zones that are to be treated, as far as they are known."""
        chosen = self.zones or self._beside("zones")
        return [code for code in self.catalogue.zones if code in chosen]

    # For the page

    def groups(self) -> Iterator[Group]:
        """The questions under their headings, in the catalogue's order of both."""
        order = list(self.catalogue.question_groups)
        by_group = sorted(self.questions, key=lambda question: order.index(question.group))
        for group, questions in groupby(by_group, key=lambda question: question.group):
            questions = list(questions)
            first = self.conditions[questions[0].id]
            shared = [each for each in first if all(each in self.conditions[q.id] for q in questions)]
            yield Group(
                heading=self.catalogue.question_groups[group],
                condition=_written(shared),
                same=self[_same(group)] if group in self.same else None,
                rows=[Row(self[question.id], _written(self._all_conditions(question))) for question in questions],
            )

    # What was said

    def clean(self):
        self.asked = asked = [q for q in self.questions if self._holds(self._all_conditions(q))]
        for question in self.questions:
            if question not in asked:
                if self.is_one_page:
                    self._ask_about_contradiction(question)
                self.errors.pop(question.id, None)
                self.cleaned_data[question.id] = ""
            elif question.kind == QuestionKind.ZONES:
                self._leave_out_other_zones(question)
        for question in asked:
            if question.kind in WITH_DAYS:
                self._ask_about_day(question)
            is_open = question.id not in self.errors and not self.cleaned_data.get(question.id)
            if is_open and not self._may_be_open(question):
                self.add_error(question.id, missing_answer(question))

    def _may_be_open(self, question: Question) -> bool:
        if question.id in self.reopened and not self.is_gone_through:
            return True
        if self.reopening and self.reopening.id in question.ask_if:
            return False  # whoever says that something has changed says what
        return (question.ask_if and question.kind != QuestionKind.ZONES) or question.kind in MAY_STAY_OPEN

    @property
    def is_gone_through(self) -> bool:
        """Whether anything was said about the questions that were reopened."""
        names = self.reopened | {_same(group) for group in self.same}
        return any(self.cleaned_data.get(name) for name in names)

    @property
    def answers(self) -> dict[str, str]:
        given = {question.id: self.cleaned_data[question.id] for question in self.questions}
        answers = {id: said for id, said in given.items() if said not in ("", SAME)}
        for question in self.questions:
            where = self.catalogue.where(question)
            is_flagged = where and not set(where.ask_if[question.id]).isdisjoint(
                answers.get(question.id, "").split(", ")
            )
            if is_flagged and len(self.chosen_zones) == 1:
                [answers[where.id]] = self.chosen_zones
        return answers

    def _ask_about_contradiction(self, question: Question) -> None:
        """A date without the answer that it would belong to: one of the two is a mistake."""
        if question.kind not in WITH_DAYS or not self.cleaned_data.get(question.id):
            return
        for id in question.ask_if:
            if self.cleaned_data.get(id) in (NO, NONE):
                self.add_error(id, _("This says no, and a date is given below it. Change one of the two."))

    def _ask_about_day(self, question: Question) -> None:
        """A day that cannot be, however coarsely it is remembered."""
        said = self.cleaned_data.get(question.id)
        if not said or said == STILL:
            return
        day, _at, clock = said.partition("T")
        given = PartialDate.parse(day)
        if given.latest() < self.born:
            self.add_error(question.id, _("This is before the date of birth. Check the year."))
        elif self.now and (
            given.earliest() > local_date(self.now, self.zone)
            or (clock and earlier_reading(datetime.fromisoformat(said), self.zone) > self.now)
        ):
            self.add_error(question.id, _("This is still to come. Write when it was."))

    def _leave_out_other_zones(self, question: Question) -> None:
        """A box that was ticked before its zone was taken away above."""
        chosen = [*(self.chosen_zones or self.catalogue.zones), NOT_SURE]
        said = self.cleaned_data.get(question.id) or ""
        self.cleaned_data[question.id] = ", ".join(code for code in said.split(", ") if code in chosen)


class MissingAnswersForm(AnswersForm):
    """What nobody has answered yet for the treatment that is chosen beside the form, such as what is asked of skin.

    All of it may stay open: the screening then waits for it.
    """

    def _is_about_other_skin(self, id: str, known: OnFile) -> bool:
        return False  # for which zones it is asked is among its conditions

    def _is_asked_anew(self, question: Question) -> bool:
        return question.id not in self.known or bool(self._open_zones(question))

    def _may_stay(self, question: Question) -> bool:
        return False

    def _may_be_open(self, question: Question) -> bool:
        return True

    def _conditions(self, question: Question, anew: set[str]) -> list[Alternatives]:
        open_zones = self._open_zones(question)
        return super()._conditions(question, anew) + ([open_zones] if open_zones else [])

    def _open_zones(self, question: Question) -> Alternatives | None:
        """The zones of which nobody has said what a question asks, or the one that it follows; None where it asks of
        no skin, or of skin of which nothing is known."""
        asks = next((each for each in (question, *self._parents(question)) if each.of_skin), None)
        if asks is None or asks.id not in self.known:
            return None
        skin = self.known[asks.id].skin
        unknown = [code for code, zone in self.catalogue.zones.items() if zone.is_bookable and code not in skin]
        return tuple(("zones", code) for code in ([] if NOT_SURE in skin else [""]) + unknown)


class OpenAnswersForm(AnswersForm):
    """What nobody has answered yet for a visit up to a stage, or nobody was sure of. All of it may stay open.

    `said` are the answers that are true of this visit alone. Where a detail is missing, what it follows from is asked
    again as well, so that the page tells no answer.
    """

    def __init__(self, *args, said: Mapping[str, str], **kwargs):
        self.said = said
        super().__init__(*args, **kwargs)

    def _needed(self, stage: Stage) -> list[Question]:
        at_stage, stages = super()._needed, list(Stage)[: list(Stage).index(stage) + 1]
        needed = {question.id for at in stages for question in at_stage(at) if not question.reopens}
        return [question for id, question in self.catalogue.questions.items() if id in needed]

    def _is_asked_anew(self, question: Question) -> bool:
        return any(map(self._is_open, (question, *self._details(question)))) or any(
            map(self._is_asked_anew, self._parents(question))
        )

    def _answer(self, question: Question) -> set[str]:
        known = self.known.get(question.id)
        return set((known.answer if known else self.said.get(question.id, NOT_SURE)).split(", "))

    def _is_open(self, question: Question) -> bool:
        return NOT_SURE in self._answer(question)

    def _details(self, question: Question) -> Iterator[Question]:
        """What has to be asked because of the answer that is known."""
        said = self._answer(question)
        return (each for each in self._needed(self.stage) if not said.isdisjoint(each.ask_if.get(question.id, ())))

    def _may_stay(self, question: Question) -> bool:
        return False

    def _may_be_open(self, question: Question) -> bool:
        return True


def _is_given(value: str, given: list[str]) -> bool:
    given = [each for each in given if each]
    if value == MORE:
        return len(given) > 1
    return value in given if value else not given


def _same(group: str) -> str:
    return f"same-{group}"


def _written(conditions: list[Alternatives]) -> str:
    """Conditions as `questions.js` reads them: “Q19=laser & protocol= protocol=melasma”."""
    return " & ".join(" ".join(f"{name}={value}" for name, value in alternatives) for alternatives in conditions)


def missing_answer(question: Question) -> str:
    """What to say about a question that was left open and may not be."""
    if question.kind == QuestionKind.ZONES:
        return _("Please tick where; “Not sure” is an answer too.")
    if question.kind == QuestionKind.SEVERAL:
        return _("Please tick what is true; “None” is an answer too.")
    if question.kind == QuestionKind.TEXT and question.ask_if:
        return _("Please write it in your own words.")
    if question.kind == QuestionKind.TEXT:
        return _("Please write it down, or tick “None”.")
    return _("Please choose an answer; “Not sure” is one.")
