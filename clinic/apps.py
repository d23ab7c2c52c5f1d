from django.apps import AppConfig


class ClinicConfig(AppConfig):
    name = "clinic"

    def ready(self):
        from clinic import checks  # noqa: F401  registers the system checks
        from clinic.audit import watch
        from clinic.models import Device, Location, Practitioner, Room, User

        for model in (Location, Room, Device, Practitioner):
            watch(model, hide=False)
        watch(User, m2m=("locations",))
