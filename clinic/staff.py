"""The only writers of staff accounts.

They raise ValidationError with a sentence for every field at fault. No location that has an owner is ever left
without one who may sign in: LastOwner.
"""

import re
from collections.abc import Iterable
from contextlib import contextmanager
from decimal import Decimal

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from clinic import places
from clinic.access import Role, roles_of
from clinic.contacts import clean_email
from clinic.editing import EditedMeanwhile, fingerprint
from clinic.models import Location, Practitioner, Tone, User
from clinic.text import has_letter, one_line

WRITTEN_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class LastOwner(Exception):
    """The change would leave a location without an owner who may sign in. Nothing was changed."""


class NotOneself(Exception):
    """Nobody switches off the account she is using."""


def details_of(user: User) -> dict:
    """What can be edited of an account."""
    profile = getattr(user, "practitioner", None) or Practitioner()
    return {
        "name": user.name,
        "username": user.username,
        "email": user.email,
        "roles": roles_of(user),
        "locations": sorted(str(public_id) for public_id in user.locations.values_list("public_id", flat=True)),
        "title": str(profile.title),
        "tone": profile.tone,
        "max_depth_mm": profile.max_depth_mm,
    }


def add_staff(
    *,
    username: str,
    name: str,
    roles: Iterable[Role],
    locations: Iterable[Location],
    password: str,
    email: str = "",
    title: str = "",
    tone: Tone = Tone.LEAF,
    max_depth_mm: Decimal = Decimal("0.5"),
) -> User:
    """A new account. Whoever treats also becomes bookable, under the title, in the colour and down to the depth."""
    user = User()
    _describe(user, username=username, name=name, email=email, roles=roles)
    _check_password(user, password)
    user.set_password(password)
    with transaction.atomic():
        _save(user, locations)
        _save_profile(user, title=title, tone=tone, max_depth_mm=max_depth_mm)
    return user


def open_location(*, by: User, **details) -> Location:
    """A new location with these details, and whoever opens it works there: it has an owner from the first moment."""
    with transaction.atomic():
        location = places.add_location(**details)
        by.locations.add(location)
    return location


def update_staff(
    *,
    user: User,
    seen: str,
    username: str,
    name: str,
    email: str,
    roles: Iterable[Role],
    locations: Iterable[Location],
    title: str,
    tone: Tone,
    max_depth_mm: Decimal,
) -> User:
    """The account with other details. Raises LastOwner, and EditedMeanwhile when `seen` is not what is stored."""
    with _owners_kept():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if fingerprint(details_of(stored)) != seen:
            raise EditedMeanwhile(stored)
        _describe(stored, username=username, name=name, email=email, roles=roles)
        _save(stored, locations)
        _save_profile(stored, title=title, tone=tone, max_depth_mm=max_depth_mm)
    return stored


def set_password(*, user: User, password: str) -> User:
    """A new password; whoever is signed in with the old one is signed out."""
    _check_password(user, password)
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        stored.set_password(password)
        stored.session_version += 1
        stored.save(update_fields=["password", "session_version"])
    return stored


def switch_off(*, user: User, by: User) -> None:
    """From the next request on the account is out, and its cookies stay dead even when it is switched on again."""
    if user == by:
        raise NotOneself
    _switch(user, is_active=False)


def switch_on(*, user: User) -> None:
    _switch(user, is_active=True)


def _switch(user: User, *, is_active: bool) -> None:
    with _owners_kept():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if stored.is_active != is_active:
            stored.is_active = is_active
            stored.session_version += 1
            stored.save(update_fields=["is_active", "session_version"])


@contextmanager
def _owners_kept():
    """A transaction at whose end every location that had an owner still has one; owners who go at once wait in line."""
    with transaction.atomic():
        list(User.objects.select_for_update(no_key=True).filter(is_owner=True).order_by("pk"))
        before = _with_owner()
        yield
        if before - _with_owner():
            raise LastOwner


def _with_owner() -> set[int]:
    owners = User.objects.filter(locations=OuterRef("pk"), is_owner=True, is_active=True)
    return set(Location.objects.filter(Exists(owners)).values_list("pk", flat=True))


def _describe(user: User, *, username: str, name: str, email: str, roles: Iterable[Role]) -> None:
    # Stored in lower case, so that the database itself refuses two accounts that differ by case alone.
    user.username, user.name = one_line(username).lower(), one_line(name)
    mistakes = {}
    try:
        user.email = clean_email(email)
    except ValidationError as mistake:
        mistakes["email"] = mistake
    if not WRITTEN_USERNAME.fullmatch(user.username):
        mistakes["username"] = _("Make the user name of letters a to z, digits, dots and hyphens.")
    if not has_letter(user.name):
        mistakes["name"] = _("Give a name with at least one letter.")
    chosen = set(roles)
    if not chosen:
        mistakes["roles"] = _("Choose at least one role.")
    for role in Role:
        setattr(user, f"is_{role}", role in chosen)
    if mistakes:
        raise ValidationError(mistakes)


def _check_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as mistake:
        raise ValidationError({"password": mistake}) from None


def _save(user: User, locations: Iterable[Location]) -> None:
    locations = list(locations)
    if not locations:
        raise ValidationError({"locations": _("Choose at least one location.")})
    user.clean_fields(exclude=["password"])
    taken = ValidationError({"username": _("This user name is taken already. Choose another one.")})
    if User.objects.exclude(pk=user.pk).filter(username=user.username).exists():
        raise taken
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise taken from None  # somebody else took it between the look and the save
    user.locations.set(locations)


def _save_profile(user: User, *, title: str, tone: Tone, max_depth_mm: Decimal) -> None:
    """Somebody who no longer treats keeps her profile: her visits point to it."""
    profile = Practitioner.objects.filter(user=user).first() or Practitioner(user=user)
    if not (user.is_practitioner or profile.pk):
        return
    profile.title = one_line(title) or profile.title
    profile.tone, profile.max_depth_mm = tone, max_depth_mm
    profile.full_clean()
    profile.save()
