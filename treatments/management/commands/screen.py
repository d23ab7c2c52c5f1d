"""Try the screening rules on answers from a file: no database, nothing stored."""

import io
import json
import os
import sys
from functools import cache
from typing import BinaryIO
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from clinic.text import one_line
from treatments.catalogue import CatalogueError, read
from treatments.catalogue.spec import ADVICE as ADVICE_ON_FILE
from treatments.prescribers import ADVICE, ITS_NAME
from treatments.screening import AnswerError, Finding, Result, evaluate, read_visit_start

LARGEST = 100_000  # bytes of answers to one visit; a full set has less than one per cent of it

REQUIRED = ("stage", "visit", "zone", "answers")
OPTIONAL = ("protocol", "zones", "rule")
PLANS = ("may_pause", "keep_taking")


class Command(BaseCommand):
    help = (
        "Screens answers from standard input for a visit and prints what the catalogue's rules say, as JSON. "
        'The answers are one object of ids and texts, such as {"Q14": "eczema, psoriasis", "Q19a": "2026-01"}; '
        "treatments/catalogue.yaml tells above its questions how each kind is written."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--stage", help="booking, previsit or checkin")
        parser.add_argument("--visit", help="start of the visit in local time, such as 2026-03-29T10:00")
        parser.add_argument("--zone", help="the clinic's time zone, such as Europe/London")
        parser.add_argument("--protocol", help="code of the treatment")
        parser.add_argument("--zones", help="codes of the skin that is to be treated, such as “forehead, cheeks”")
        parser.add_argument("--rule", help="code of one rule, such as S1, instead of all active rules of the stage")
        parser.add_argument(
            "--batch",
            action="store_true",
            help="read one JSON object a line (stage visit zone protocol zones rule answers), print one result a line",
        )
        parser.error = self.refuse  # one sentence like every other refusal, without the usage around it

    def handle(self, *args, **options):
        given = {name: options[name] for name in ("stage", "visit", "zone", *OPTIONAL) if options[name] is not None}
        try:
            read()
        except CatalogueError as error:
            self.refuse(_("The catalogue cannot be used: %(problem)s") % {"problem": error.problems[0]})
        written = sys.stdin.buffer if sys.stdin else io.BytesIO()  # none where the shell has closed it
        if options["batch"]:
            if given:
                self.refuse(_("With --batch, everything else stands in the lines; leave out the other options."))
            try:
                self.screen_lines(written)
            except BrokenPipeError:  # whoever read has enough; nothing may be written on the way out either
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            try:
                answers = parse(written.read(LARGEST + 1))
                self.stdout.write(json.dumps(screen({**given, "answers": answers})))
            except AnswerError as error:
                self.refuse(str(error))

    def screen_lines(self, lines: BinaryIO) -> None:
        """One line out for each line in, at once, so that a program at the other end can ask and wait."""
        while line := lines.readline(LARGEST + 1):
            whole = line
            while len(whole) > LARGEST and not whole.endswith(b"\n"):  # let the rest of an oversized line go by
                whole = lines.readline(LARGEST + 1) or b"\n"
            try:
                said = screen(parse(line))
            except AnswerError as error:
                said = {"error": str(error)}
            self.stdout.write(json.dumps(said))
            self.stdout.flush()

    def refuse(self, sentence: str) -> None:
        self.stderr.write(f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.")
        raise SystemExit(2)


def screen(asked: object) -> dict:
    """The result for one case, ready for JSON. Raises AnswerError with a sentence."""
    if not isinstance(asked, dict):
        raise AnswerError(_("A case must be one JSON object."))
    for name in REQUIRED:
        if name not in asked:
            raise AnswerError(_("“%(name)s” is missing.") % {"name": name})
    if not asked.keys() <= {*REQUIRED, *OPTIONAL}:
        raise AnswerError(_("A case holds only: %(names)s.") % {"names": ", ".join([*REQUIRED, *OPTIONAL])})
    for name, value in asked.items():
        if name != "answers" and not isinstance(value, str) and not (name in OPTIONAL and value is None):
            raise AnswerError(_("“%(name)s” must be a text in quotes.") % {"name": name})
    if asked["zone"] not in zone_names():
        raise AnswerError(_("There is no such time zone; name one such as Europe/London."))
    zone = ZoneInfo(asked["zone"])
    return as_json(
        evaluate(
            catalogue=read(),
            answers=as_recorded(asked["answers"]),
            stage=asked["stage"],
            visit_start=read_visit_start(asked["visit"], zone),
            zone=zone,
            protocol=asked.get("protocol"),
            zones=[code.strip() for code in asked["zones"].split(",")] if asked.get("zones") else (),
            rule=asked.get("rule"),
        )
    )


def as_recorded(answers: object) -> object:
    """The answers of a case. It has no records beside it, so what it says of the prescriber counts as recorded."""
    if not isinstance(answers, dict) or ADVICE_ON_FILE.id in answers or answers.get(ADVICE) not in PLANS:
        return answers
    medicine = answers.get(ITS_NAME, "")
    about = one_line(medicine) if isinstance(medicine, str) else ""
    return answers | {ADVICE_ON_FILE.id: f"{answers[ADVICE]}\n{about}"}


def as_json(result: Result) -> dict:
    return {
        "outcome": result.outcome.value,
        "clear_from": result.clear_from and result.clear_from.isoformat(),
        "findings": [finding_as_json(finding) for finding in result.findings],
    }


def finding_as_json(finding: Finding) -> dict:
    """One finding; with zones where it takes only these out of the visit."""
    return {
        "rule": finding.rule,
        "outcome": finding.outcome.value,
        "clear_from": finding.clear_from and finding.clear_from.isoformat(),
        "reason": finding.reason,
    } | ({"zones": list(finding.zones)} if finding.zones else {})


def parse(written: bytes) -> object:
    """JSON without what JSON readers quietly let through: doubled names and numbers that are none."""
    if len(written) > LARGEST:
        raise AnswerError(_("The answers are longer than %(bytes)d bytes.") % {"bytes": LARGEST})
    try:
        return json.loads(
            written.decode("utf-8-sig"), object_pairs_hook=without_doubles, parse_constant=refuse_constant
        )
    except UnicodeDecodeError:
        raise AnswerError(_("The answers are not written in UTF-8.")) from None
    except RecursionError:
        raise AnswerError(_("The answers are nested too deeply.")) from None
    except AnswerError:
        raise
    except ValueError:
        raise AnswerError(_("The answers are not valid JSON.")) from None


def without_doubles(pairs: list[tuple[str, object]]) -> dict:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise AnswerError(_("The same name is there twice."))
    return named


def refuse_constant(name: str) -> None:
    raise AnswerError(_("%(name)s is not a number.") % {"name": name})


@cache
def zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
