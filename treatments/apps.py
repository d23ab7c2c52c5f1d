from django.apps import AppConfig


class TreatmentsConfig(AppConfig):
    name = "treatments"

    def ready(self):
        from clinic.audit import watch
        from treatments import models

        watch(models.Course, m2m=("zones",))
        for model in (
            models.Amendment,
            models.AnsweredSkin,
            models.CatalogueVersion,
            models.Consent,
            models.CoursePlan,
            models.CourseSession,
            models.PrescriberAdvice,
            models.Screening,
            models.ScreeningDecision,
            models.Topical,
            models.Visit,
            models.ZoneRecord,
        ):
            watch(model)
