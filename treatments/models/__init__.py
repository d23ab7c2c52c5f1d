from treatments.models.answers import AnsweredSkin
from treatments.models.catalogue import CatalogueVersion, Protocol, ScreeningRule, Zone
from treatments.models.courses import Course, CoursePlan, CourseSession
from treatments.models.screenings import PrescriberAdvice, Screening, ScreeningDecision, ScreeningFinding
from treatments.models.visits import Amendment, Consent, Topical, Visit, ZoneRecord

__all__ = [
    "Amendment",
    "AnsweredSkin",
    "CatalogueVersion",
    "Consent",
    "Course",
    "CoursePlan",
    "CourseSession",
    "PrescriberAdvice",
    "Protocol",
    "Screening",
    "ScreeningDecision",
    "ScreeningFinding",
    "ScreeningRule",
    "Topical",
    "Visit",
    "Zone",
    "ZoneRecord",
]
