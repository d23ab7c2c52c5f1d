from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self):
        from clinic.audit import watch
        from scheduling.models import Appointment, Closure, PatientLink, TimeOff, WorkingHours

        for model in (Appointment, Closure, WorkingHours):
            watch(model, hide=False)
        for model in (PatientLink, TimeOff):
            watch(model)
