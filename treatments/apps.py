from django.apps import AppConfig


class TreatmentsConfig(AppConfig):
    name = "treatments"

    def ready(self):
        from clinic.audit import watch
        from treatments.models import CatalogueVersion, Course, CourseSession, Screening

        watch(Course, m2m=("zones",))
        for model in (CatalogueVersion, CourseSession, Screening):
            watch(model)
