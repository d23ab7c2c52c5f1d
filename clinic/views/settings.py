"""Settings: the location on the screen, its rooms and devices, and the people who work there."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import places, staff
from clinic.access import MANAGERS, Role, allow, location_of, locations_of, roles_of
from clinic.editing import EditedMeanwhile
from clinic.forms import DeviceForm, LocationForm, PasswordForm, RoomForm, SettingsForm, StaffForm
from clinic.models import Device, Room, User

LAST_OWNER = gettext_lazy(
    "This would leave a location without an owner who may sign in. Make somebody else an owner first."
)


@require_safe
@allow(*MANAGERS)
def overview(request):
    location = location_of(request)
    people = list(location.staff.order_by("-is_active", "name", "pk").select_related("practitioner"))
    for person in people:
        person.role_names = [role.label for role in roles_of(person)]
    return render(
        request,
        "clinic/settings.html",
        {
            "location": location,
            "rooms": location.rooms.order_by("-is_active", "name", "pk"),
            "devices": location.devices.order_by("-is_active", "name", "pk"),
            "people": people,
            "may_manage_staff": request.user.is_owner,
        },
    )


def _posted(request):
    return request.POST if request.method == "POST" else None


def _settle(
    request, form: SettingsForm, save: Callable, *, title: str, details_of: Callable = places.details_of, **context
) -> HttpResponse:
    """The form on its page; or what it says is saved, and back to the overview. 422 and 409 keep what was typed."""
    page = {"form": form, "title": title} | context
    if request.method != "POST":
        return render(request, "clinic/settings_form.html", page)
    status = 422
    if form.is_valid():
        try:
            save(**form.for_writer)
        except ValidationError as mistakes:
            form.add_error(None, mistakes)
        except staff.LastOwner:
            form.add_error("roles", LAST_OWNER)
        except EditedMeanwhile as other:
            page["differences"], status = form.on_top_of(details_of(other.stored)), 409
        else:
            messages.success(request, _("Saved."))
            return redirect("clinic:settings")
    return render(request, "clinic/settings_form.html", page, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.OWNER)
def location_create(request):
    """Another location, which is then the one on the screen."""
    form = LocationForm(_posted(request))
    form.fields["zone_name"].initial = location_of(request).zone_name

    def save(**details):
        opened = staff.open_location(by=request.user, **details)
        request.session["location"] = str(opened.public_id)

    return _settle(request, form, save, title=_("New location"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def location_edit(request):
    location = location_of(request)
    form = LocationForm(_posted(request), stored=places.details_of(location))

    def save(**details):
        places.update_location(location=location, seen=form.opened_with, **details)

    return _settle(request, form, save, title=_("Edit the location"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def room_create(request):
    def save(**details):
        places.add_room(location=location_of(request), **details)

    return _settle(request, RoomForm(_posted(request)), save, title=_("New room"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def room_edit(request, public_id):
    room = get_object_or_404(Room, location__in=locations_of(request), public_id=public_id)
    form = RoomForm(_posted(request), stored=places.details_of(room))

    def save(**details):
        places.update_room(room=room, seen=form.opened_with, **details)

    return _settle(request, form, save, title=_("Edit room"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def device_create(request):
    def save(**details):
        places.add_device(location=location_of(request), **details)

    return _settle(request, DeviceForm(_posted(request)), save, title=_("New device"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def device_edit(request, public_id):
    device = get_object_or_404(Device, location__in=locations_of(request), public_id=public_id)
    form = DeviceForm(_posted(request), stored=places.details_of(device))

    def save(**details):
        places.update_device(device=device, seen=form.opened_with, **details)

    return _settle(request, form, save, title=_("Edit device"))


def _colleague_or_404(request, public_id) -> User:
    """Somebody who works at one of the signed-in owner's locations; anybody else does not exist."""
    colleagues = User.objects.filter(locations__in=locations_of(request)).distinct()
    return get_object_or_404(colleagues.select_related("practitioner"), public_id=public_id)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.OWNER)
def staff_create(request):
    form = StaffForm(_posted(request), locations=locations_of(request))
    form.fields["locations"].initial = [str(location_of(request).public_id)]

    def save(**details):
        staff.add_staff(**details)

    return _settle(request, form, save, title=_("New colleague"))


@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.OWNER)
def staff_edit(request, public_id):
    user = _colleague_or_404(request, public_id)
    own = locations_of(request)
    others = list(user.locations.exclude(pk__in=[place.pk for place in own]))
    form = StaffForm(_posted(request), stored=staff.details_of(user), locations=own, others=others)

    def save(**details):
        staff.update_staff(user=user, seen=form.opened_with, **details)

    return _settle(request, form, save, title=_("Edit colleague"), details_of=staff.details_of, colleague=user)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.OWNER)
def staff_password(request, public_id):
    user = _colleague_or_404(request, public_id)
    form = PasswordForm(_posted(request))
    if form.is_valid():
        try:
            changed = staff.set_password(user=user, password=form.cleaned_data["password"])
        except ValidationError as mistakes:
            form.add_error(None, mistakes)
        else:
            if user == request.user:
                update_session_auth_hash(request, changed)
            messages.success(request, _("The new password counts from now on; the old one is dead everywhere."))
            return redirect("clinic:staff-edit", public_id)
    page = {"form": form, "title": _("New password"), "colleague": user}
    return render(request, "clinic/settings_form.html", page, status=422 if form.is_bound else 200)


@require_POST
@allow(Role.OWNER)
def staff_switch_off(request, public_id):
    user = _colleague_or_404(request, public_id)
    try:
        staff.switch_off(user=user, by=request.user)
    except staff.NotOneself:
        messages.error(request, _("You cannot switch off your own account. Ask another owner to do it."))
    except staff.LastOwner:
        messages.error(request, LAST_OWNER)
    else:
        messages.success(request, _("The account is switched off, and signed out everywhere."))
    return redirect("clinic:staff-edit", public_id)


@require_POST
@allow(Role.OWNER)
def staff_switch_on(request, public_id):
    staff.switch_on(user=_colleague_or_404(request, public_id))
    messages.success(request, _("The account may sign in again."))
    return redirect("clinic:staff-edit", public_id)
