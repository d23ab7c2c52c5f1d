from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self):
        from clinic.audit import watch
        from patients.models import MedicalFact, Patient

        watch(Patient, m2m=("locations",))
        watch(MedicalFact)
