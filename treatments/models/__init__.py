from treatments.models.catalogue import CatalogueVersion, Protocol, ScreeningRule, Zone
from treatments.models.courses import Course, CourseSession
from treatments.models.screenings import Screening, ScreeningFinding

__all__ = [
    "CatalogueVersion",
    "Course",
    "CourseSession",
    "Protocol",
    "Screening",
    "ScreeningFinding",
    "ScreeningRule",
    "Zone",
]
