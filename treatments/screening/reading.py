"""Reading what was asked: answers as texts, and a visit's start as people write it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic.times import earlier_reading, exists, later_reading
from patients.folding import fold
from patients.partial_dates import FIRST_YEAR, LAST_YEAR, PartialDate, Precision
from treatments.catalogue import Catalogue, Question, QuestionKind, Stage
from treatments.catalogue.spec import NONE, STILL

# A day without a time of day may have been the last minute of it.
END_OF_DAY = time(23, 59)

LOCAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")
OFFSET = re.compile(r"(.+)(Z|[+-][0-9]{2}:[0-9]{2})")
WORD = re.compile(r"[^\W_]+")

# What staff have recorded of a prescriber; whoever was not reached has said nothing.
KEEP_TAKING, MAY_PAUSE, DOES_NOT_COUNT, NOT_REACHED = "keep_taking", "may_pause", "does_not_count", "not_reached"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a prescriber said about which medicine, and by whom and when it was said in words."""

    said: str
    medicine: str = ""
    source: str = ""


Answer = str | frozenset[str] | PartialDate | date | datetime | Advice


class AnswerError(ValueError):
    """What was asked cannot be understood. The message is a sentence for the person who asked."""


def read_visit_start(text: str, zone: ZoneInfo) -> datetime:
    """A visit's start as people write it, as an instant in UTC.

    Local to the zone unless it carries an offset. In the repeated hour of autumn the earlier reading counts, which
    leaves the least time since anything before. Raises AnswerError for a time that the zone skips.
    """
    written = OFFSET.fullmatch(text)
    local = _local_time(written[1] if written else text, at_end_of_day=False)
    if local is None:
        raise AnswerError(_("Write the visit's start as a local date and time, such as 2026-03-29T10:00."))
    if written:
        return _with_offset(local, written[2])
    if not exists(local, zone):
        raise AnswerError(_("The clocks skip this time on that day; choose another start for the visit."))
    return earlier_reading(local, zone)


def read_stage(written: Stage | str) -> Stage:
    if isinstance(written, str) and written in Stage.values:
        return Stage(written)
    raise AnswerError(_("The stage must be booking, previsit or checkin."))


def read_answers(catalogue: Catalogue, answers: Mapping[str, str], zone: ZoneInfo) -> dict[str, Answer]:
    """The answers as values, by question id. Raises AnswerError for the first one that cannot be understood."""
    if not isinstance(answers, Mapping):
        raise AnswerError(_("The answers must be an object from question ids to answers."))
    known = {}
    for id, value in answers.items():
        question = catalogue.questions.get(id)
        if question is None:
            raise AnswerError(_("There is no question %(id)s.") % {"id": shown(id)})
        if not isinstance(value, str):
            raise AnswerError(_("The answer to %(id)s must be a text in quotes.") % {"id": id})
        known[id] = _READERS.get(question.kind, _read_word)(question, value, zone)
    return known


def shown(value: str) -> str:
    """Something a person wrote, short and in plain ASCII, so that it can be repeated in a sentence."""
    return ascii(value)[:40]


def years_sentence() -> str:
    return _("The year must lie between %(first)d and %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR}


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """Which of the names stand in a text as whole words, whatever their case and accents."""
    written = _words(text)
    return [name for name in names if _words_of_name(name) in written]


def names_nothing_else(text: str, names: Iterable[str]) -> bool:
    """Whether a text is made of the names alone, with commas or line breaks between them."""
    known = {_words_of_name(name) for name in names}
    return all(_words(part) in known for part in re.split(r"[,;\n]", text))


@lru_cache(maxsize=1024)
def _words_of_name(name: str) -> str:
    """The names on the lists are the same at every visit; what patients write is not kept."""
    return _words(name)


def _words(text: str) -> str:
    return f" {' '.join(WORD.findall(fold(text)))} "


# Each kind of question has its way of being answered


def _read_word(question: Question, value: str, zone: ZoneInfo) -> str:
    if value in question.answers:
        return value
    raise AnswerError(
        _("The answer to %(id)s must be one of: %(answers)s.")
        % {"id": question.id, "answers": ", ".join(question.answers)}
    )


def _read_several(question: Question, value: str, zone: ZoneInfo) -> frozenset[str]:
    words = frozenset(word.strip() for word in value.split(","))
    if not words <= set(question.answers):
        raise AnswerError(
            _("The answer to %(id)s must be some of these with commas between: %(answers)s.")
            % {"id": question.id, "answers": ", ".join(question.answers)}
        )
    if NONE in words and len(words) > 1:
        raise AnswerError(_("The answer to %(id)s cannot be none and something else as well.") % {"id": question.id})
    return words


def _read_text(question: Question, value: str, zone: ZoneInfo) -> str:
    if not WORD.search(value):
        raise AnswerError(_("The answer to %(id)s must be in words; “none” is one.") % {"id": question.id})
    return value


def _read_date(question: Question, value: str, zone: ZoneInfo) -> str | PartialDate:
    if value == STILL and question.kind == QuestionKind.LAST_DATE:
        return STILL
    try:
        return PartialDate.parse(value)
    except ValueError as error:
        raise AnswerError(f"{question.id}: {error}") from None


def _read_birth_date(question: Question, value: str, zone: ZoneInfo) -> date:
    day = _read_date(question, value, zone)
    if day.precision != Precision.DAY:
        raise AnswerError(_("%(id)s: Give the whole date of birth, such as 1990-05-17.") % {"id": question.id})
    return day.date


def _read_instant(question: Question, value: str, zone: ZoneInfo) -> datetime:
    local = _local_time(value, at_end_of_day=True)
    if local is None:
        raise AnswerError(
            _("Answer %(id)s with a local date and time such as 2026-03-28T10:00, or with a date alone.")
            % {"id": question.id}
        )
    return later_reading(local, zone)


def _read_advice(question: Question, value: str, zone: ZoneInfo) -> Advice:
    said, *rest = value.split("\n")
    if said not in (KEEP_TAKING, MAY_PAUSE, DOES_NOT_COUNT, NOT_REACHED) or len(rest) > 2:
        raise AnswerError(
            _("The answer to %(id)s must be %(words)s, with the medicine and who said so in lines of their own.")
            % {"id": question.id, "words": ", ".join((KEEP_TAKING, MAY_PAUSE, DOES_NOT_COUNT, NOT_REACHED))}
        )
    return Advice(said, *rest)


_READERS = {
    QuestionKind.SEVERAL: _read_several,
    QuestionKind.ZONES: _read_several,
    QuestionKind.TEXT: _read_text,
    QuestionKind.LAST_DATE: _read_date,
    QuestionKind.PAST_DATE: _read_date,
    QuestionKind.BIRTH_DATE: _read_birth_date,
    QuestionKind.INSTANT: _read_instant,
    QuestionKind.ADVICE: _read_advice,
}


def _local_time(text: str, *, at_end_of_day: bool) -> datetime | None:
    """A naive local time, or None when it is not written as one. A date alone is taken only where it may be."""
    written = LOCAL_TIME.fullmatch(text)
    if not written or not (written[2] or at_end_of_day):
        return None
    try:
        day = date.fromisoformat(written[1])
        at = time.fromisoformat(written[2]) if written[2] else END_OF_DAY
    except ValueError:
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise AnswerError(years_sentence())
    return datetime.combine(day, at)


def _with_offset(local: datetime, offset: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{local.isoformat()}{offset}").astimezone(UTC)
    except ValueError:
        raise AnswerError(_("The offset of the visit's start is not one that a clock can have.")) from None
