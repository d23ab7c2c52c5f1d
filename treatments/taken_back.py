"""What spoke against a visit and was taken back within a day: nobody but the clinical lead lets such a visit pass.

Nothing of it is stored. Facts keep what was said before them, and screenings what was answered to them, so that the
trace is theirs, and it is the same however often the visit is screened again.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import User
from treatments.answers import WITHIN, Withdrawn
from treatments.catalogue import Catalogue, Outcome, Stage
from treatments.models import Screening, ScreeningFinding
from treatments.screening import AnswerError, Finding, evaluate

Spoken = tuple[datetime, User | None]


@dataclass(frozen=True)
class TakenBack:
    """What was said against a visit and is said no more, for a screening of it that is not stored yet."""

    screening: Screening
    catalogue: Catalogue
    history: list[Screening]
    withdrawn: Iterable[Withdrawn]
    zone: ZoneInfo
    zones: Collection[str]

    def hold(self, findings: Iterable[ScreeningFinding]) -> None:
        """Put on hold what these findings let pass although something else was said before."""
        spoken = None
        for finding in findings:
            if finding.outcome in Screening.STANDS_IN_THE_WAY:
                continue
            spoken = self._spoken() if spoken is None else spoken
            if finding.rule_code in spoken:
                self._hold(finding, *spoken[finding.rule_code])

    def _hold(self, finding: ScreeningFinding, at: datetime, by: User | None) -> None:
        finding.outcome, finding.clear_from = Outcome.HOLD, None
        finding.reason = _("%(rule)s: this was answered otherwise on %(at)s by %(name)s and has been taken back.") % {
            "rule": self.catalogue.rules[finding.rule_code].name,
            "at": date_format(at.astimezone(self.zone), "j F Y, H:i"),
            "name": by.name if by else _("the patient"),
        }
        self.screening.outcome = max(
            Outcome(self.screening.outcome), Outcome.HOLD, key=lambda outcome: outcome.severity
        )

    def _spoken(self) -> dict[str, Spoken]:
        """By rule, when and by whom something was said against the visit that nobody says any more."""
        return dict(self._as_facts()) | self._on_arrival()

    def _as_facts(self) -> Iterator[tuple[str, Spoken]]:
        """Facts from before the booking count for a day, so that they follow the patient into no later one."""
        now = json.loads(self.screening.answers)
        booked_at = self.history[-1].created_at if self.history else self.screening.created_at
        for each in self.withdrawn:
            if booked_at - each.until < WITHIN:
                changed = {id for id, answer in each.answers.items() if now.get(id) != answer}
                for code in self._against(now | each.answers, changed):
                    yield code, (each.at, each.by)

    def _on_arrival(self) -> dict[str, Spoken]:
        """What was answered at the check-in for this start, one time after the other."""
        here = (Stage.CHECKIN, self.screening.for_start)
        if self.screening.stage != Stage.CHECKIN:
            return {}
        facts, held, before, said_before = self._given(self.screening, are_facts=True), {}, {}, {}
        asked = [each for each in reversed(self.history) if (each.stage, each.for_start) == here]
        for each in [*asked, self.screening]:
            said = self._given(each, are_facts=False)
            against = self._against(facts | said, said)
            is_corrected = each.created_by is not None and each.created_by.is_lead
            for code, (ids, spoken) in before.items():
                if not is_corrected and any(said.get(id) != said_before.get(id) for id in ids):
                    held[code] = spoken
            held = {code: spoken for code, spoken in held.items() if code not in against}
            before = {code: (ids, (each.created_at, each.created_by)) for code, ids in against.items()}
            said_before = said
        return held

    def _given(self, screening: Screening, *, are_facts: bool) -> dict[str, str]:
        """The answers that are facts of the patient, or those that are true of the visit alone."""
        questions = self.catalogue.questions
        return {
            id: answer
            for id, answer in json.loads(screening.answers).items()
            if id in questions and (questions[id].keeps is not None) == are_facts
        }

    def _against(self, answers: Mapping[str, str], said: Collection[str]) -> dict[str, set[str]]:
        """The rules that may block a visit, with those of the answers `said` that speak against it."""
        try:
            result = evaluate(
                catalogue=self.catalogue,
                answers=answers,
                stage=self.screening.stage,
                visit_start=self.screening.for_start,
                zone=self.zone,
                protocol=self.screening.session.course.protocol.code,
                zones=self.zones,
            )
        except AnswerError:  # it was an answer to other rules than those of today
            return {}
        return {
            each.rule: speaking
            for each in result.findings
            if each.for_the_visit in Screening.STANDS_IN_THE_WAY
            and self._may_block(each)
            and (speaking := {id for id in each.against if id in said})
        }

    def _may_block(self, finding: Finding) -> bool:
        outcomes = (finding.outcome, *self.catalogue.rules[finding.rule].outcome.values())
        return any(outcome.is_blocking for outcome in outcomes)
