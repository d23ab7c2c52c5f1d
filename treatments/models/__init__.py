from treatments.models.catalogue import CatalogueVersion, Protocol, ScreeningRule, Zone
from treatments.models.courses import Course, CourseSession
from treatments.models.screenings import Outcome, Screening, ScreeningFinding, Stage

__all__ = [
    "CatalogueVersion",
    "Course",
    "CourseSession",
    "Outcome",
    "Protocol",
    "Screening",
    "ScreeningFinding",
    "ScreeningRule",
    "Stage",
    "Zone",
]
