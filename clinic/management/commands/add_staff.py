"""Adds a staff account, above all the first owner of a new clinic, for whom there is nobody yet to do it by page."""

import os
from getpass import getpass

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinic import places, staff
from clinic.access import Role
from clinic.models import Location


class Command(BaseCommand):
    help = "Add a staff account. The password is asked for, or taken from STAFF_PASSWORD in the environment."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="the name that patients read")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--role",
            dest="roles",
            action="append",
            choices=Role.values,
            help="may be given more than once; owner if not",
        )
        parser.add_argument("--location", help="where the person works; made when the clinic has no location yet")
        parser.add_argument("--zone", default="Europe/London", help="time zone of a location that is made")
        parser.add_argument("--phone", default="", help="phone number of a location that is made")

    def handle(self, *args, username, name, email, roles, location, zone, phone, **options):
        password = os.environ.get("STAFF_PASSWORD") or getpass("Password: ")
        try:
            with transaction.atomic():
                place = self.find_or_make(location, zone, phone)
                staff.add_staff(
                    username=username,
                    name=name,
                    email=email,
                    roles=[Role(role) for role in roles or [Role.OWNER]],
                    locations=[place],
                    password=password,
                )
        except ValidationError as mistakes:
            raise CommandError(
                "\n".join(f"{field}: {' '.join(found)}" for field, found in mistakes.message_dict.items())
            ) from None
        self.stdout.write(f"{username} may sign in and works at {place.name}.")

    def find_or_make(self, name: str | None, zone: str, phone: str) -> Location:
        known = list(Location.objects.filter(name__iexact=name) if name else Location.objects.all()[:2])
        if len(known) == 1:
            return known[0]
        if known:
            raise CommandError("There are several locations. Say which with --location.")
        if Location.objects.exists():
            raise CommandError("There is no location of this name.")
        if not name or not phone:
            raise CommandError("There is no location yet. Name the first with --location and --phone.")
        return places.add_location(name=name, zone_name=zone, phone=phone)
