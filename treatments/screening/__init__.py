"""Whether a visit may take place: the catalogue's rules applied to a patient's answers.

Pure: no queries and no clock. Everything is judged against the start of the visit, so that the same answers give the
same result whenever they are looked at. A visit is moved, and the same call is made again.
"""

from treatments.screening.evaluation import evaluate
from treatments.screening.findings import Finding, Result, instant_of
from treatments.screening.judging import TESTS
from treatments.screening.reading import STILL, AnswerError, read_visit_start

__all__ = ["STILL", "TESTS", "AnswerError", "Finding", "Result", "evaluate", "instant_of", "read_visit_start"]
