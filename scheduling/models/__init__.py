from scheduling.models.appointments import Appointment, Occupancy
from scheduling.models.hours import Closure, TimeOff, WorkingHours
from scheduling.models.reminders import Reminder

__all__ = ["Appointment", "Closure", "Occupancy", "Reminder", "TimeOff", "WorkingHours"]
