"""Who may do what, and at which location."""

from functools import wraps

from django.core.exceptions import PermissionDenied
from django.db import models
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from clinic.models import Location


class Role(models.TextChoices):
    RECEPTIONIST = "receptionist", _("Reception")
    PRACTITIONER = "practitioner", _("Practitioner")
    LEAD = "lead", _("Clinical lead")
    OWNER = "owner", _("Owner")


EVERYBODY = tuple(Role)
MANAGERS = (Role.LEAD, Role.OWNER)


def roles_of(user) -> list[Role]:
    return [role for role in Role if getattr(user, f"is_{role}", False)]


def allow(*roles: Role):
    """A view for those who hold one of the roles; anybody else who is signed in gets 403."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not set(roles_of(request.user)) & set(roles):
                raise PermissionDenied(_("Your role does not open this page. Ask the owner if you need it."))
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def locations_of(request) -> list[Location]:
    """Where the signed-in person works; what belongs anywhere else is foreign. Asked once a request."""
    if not hasattr(request, "_locations"):
        request._locations = list(request.user.locations.all())
    return request._locations


def location_of(request) -> Location:
    """The location that is on the screen: the one chosen last, else the first. Raises PermissionDenied without any."""
    locations = locations_of(request)
    if not locations:
        raise PermissionDenied(_("Your account belongs to no location yet. Ask the owner to add you to one."))
    chosen = request.session.get("location")
    return next((place for place in locations if str(place.public_id) == chosen), locations[0])


def own_or_404(queryset, request, public_id):
    """One object by its public id. `queryset` must offer `of_locations`; a foreign object does not exist."""
    return get_object_or_404(queryset.of_locations(locations_of(request)), public_id=public_id)
