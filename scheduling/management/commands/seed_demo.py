"""Fill an empty demo with a clinic that has been at work for months."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.models import Location
from clinic.times import now
from clinic.views.accounts import DEMO_ACCOUNTS
from scheduling.demo_access import demo_password
from scheduling.demo_clinic import make_demo_clinic


class Command(BaseCommand):
    help = "Makes the demo clinic: staff, patients, months of visits. Does nothing where a clinic exists already."

    def handle(self, *args, **options):
        if settings.IS_PRODUCTION:
            raise CommandError("A production clinic takes no invented patients. Set MODE=demo for a demo of its own.")
        if Location.objects.exists():
            self.stdout.write("There is a clinic already; it stays as it is. `make reset` forgets it.")
            return
        self.stdout.write("Inventing a demo clinic …")
        self.stdout.flush()
        began = time.monotonic()
        location = make_demo_clinic(now=now(), passwords=dict.fromkeys(DEMO_ACCOUNTS, demo_password()))
        self.stdout.write(
            f"{location.name} has {location.patients.count()} patients and {location.appointments.count()} visits"
            f" ({time.monotonic() - began:.0f} s)."
        )
