from scheduling.models.appointments import Appointment, Occupancy
from scheduling.models.calls import CallRequest
from scheduling.models.hours import Closure, TimeOff, WorkingHours
from scheduling.models.links import PatientAnswers, PatientLink
from scheduling.models.reminders import Reminder
from scheduling.models.rescreening import RuleRun

__all__ = [
    "Appointment",
    "CallRequest",
    "Closure",
    "Occupancy",
    "PatientAnswers",
    "PatientLink",
    "Reminder",
    "RuleRun",
    "TimeOff",
    "WorkingHours",
]
