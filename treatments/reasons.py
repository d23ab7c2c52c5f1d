"""What a finding says, for people: by the words of its questions and not by their codes."""

import re

from treatments.catalogue.named_windows import asked
from treatments.models import ScreeningFinding
from treatments.publishing import catalogue_of

CODE = re.compile(r"\b[A-Z][0-9]{2}[a-z]?\b")


def reason_of(finding: ScreeningFinding) -> str:
    """Read it with the screening and its `catalogue_version`."""
    catalogue = catalogue_of(finding.screening.catalogue_version)

    def words(code: re.Match) -> str:
        question = catalogue.questions.get(code[0])
        return f"“{asked(catalogue, question).text}”" if question else code[0]

    return CODE.sub(words, finding.reason)
