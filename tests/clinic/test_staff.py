from decimal import Decimal
from functools import partial

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError

from clinic.access import Role
from clinic.editing import EditedMeanwhile, fingerprint
from clinic.models import Practitioner, User
from clinic.staff import (
    LastOwner,
    NotOneself,
    add_staff,
    details_of,
    set_password,
    switch_off,
    switch_on,
    update_staff,
)
from tests.factories import PASSWORD, make_location, make_practitioner, make_user, signed_in
from tests.races import outcomes

pytestmark = pytest.mark.django_db

GOOD_PASSWORD = "velvet-otter-in-june"


def add(**changes):
    return add_staff(
        **{
            "username": "noor",
            "name": "Noor Rahman",
            "roles": [Role.PRACTITIONER],
            "locations": [make_location()],
            "password": GOOD_PASSWORD,
        }
        | changes
    )


def update(user, **changes):
    user = User.objects.get(pk=user.pk)
    details = details_of(user)
    return update_staff(
        user=user,
        **{"seen": fingerprint(details)} | details | {"locations": list(user.locations.all())} | changes,
    )


def test_add_staff_makes_an_account_that_can_sign_in(client):
    location = make_location()
    user = add(username=" Noor.R ", name="No\u200bor Rahman", locations=[location])
    user.refresh_from_db()
    assert (user.username, user.name, user.is_active) == ("noor.r", "Noor Rahman", True)
    assert list(user.locations.all()) == [location]
    assert user.check_password(GOOD_PASSWORD)


def test_add_staff_makes_who_treats_bookable():
    user = add(roles=[Role.PRACTITIONER, Role.LEAD], title="Aesthetician", tone="sky", max_depth_mm=Decimal("1.5"))
    profile = Practitioner.objects.get()
    assert (profile.user, profile.title, profile.tone, profile.max_depth_mm) == (
        user,
        "Aesthetician",
        "sky",
        Decimal("1.5"),
    )


def test_add_staff_makes_nobody_else_bookable():
    add(roles=[Role.RECEPTIONIST])
    assert Practitioner.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "no or"}, "username"),
        ({"username": "\u200b"}, "username"),
        ({"username": "nöor"}, "username"),
        ({"username": "x" * 61}, "username"),
        ({"name": "12"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"email": "noor@"}, "email"),
        ({"roles": []}, "roles"),
        ({"locations": []}, "locations"),
        ({"password": "short"}, "password"),
        ({"password": "qwerty123456"}, "password"),
        ({"password": "Noor Rahman1"}, "password"),
        ({"max_depth_mm": Decimal("3.5")}, "__all__"),
    ],
)
def test_add_staff_refuses_by_sentence(changes, field):
    with pytest.raises(ValidationError) as refused:
        add(**changes)
    assert list(refused.value.message_dict) == [field]
    assert User.objects.count() == 0


def test_user_names_are_taken_once_whatever_their_case():
    add(username="noor")
    with pytest.raises(ValidationError) as refused:
        add(username="NOOR")
    assert refused.value.message_dict == {"username": ["This user name is taken already. Choose another one."]}


def test_update_staff_changes_roles_places_and_profile():
    user = make_practitioner(make_location()).user
    elsewhere = make_location()
    update(user, name="Ada Berg", roles=[Role.PRACTITIONER, Role.OWNER], locations=[elsewhere], title="Nurse")
    user = User.objects.get(pk=user.pk)
    assert (user.name, user.is_owner, user.is_practitioner, user.is_lead) == ("Ada Berg", True, True, False)
    assert list(user.locations.all()) == [elsewhere]
    assert user.practitioner.title == "Nurse"


def test_who_no_longer_treats_keeps_the_profile_that_visits_point_to():
    practitioner = make_practitioner(make_location())
    update(practitioner.user, roles=[Role.RECEPTIONIST])
    practitioner.refresh_from_db()
    assert practitioner.user.is_practitioner is False


def test_update_staff_refuses_when_others_have_saved_meanwhile():
    user = make_user(location=make_location())
    before = fingerprint(details_of(user))
    update(user, name="Ada Berg")
    with pytest.raises(EditedMeanwhile):
        update(user, seen=before, name="Eva Berg")
    user.refresh_from_db()
    assert user.name == "Ada Berg"


def test_set_password_signs_the_account_out():
    user = make_user(location=make_location())
    client = signed_in(user=user)
    set_password(user=user, password=GOOD_PASSWORD)
    user.refresh_from_db()
    assert (user.check_password(GOOD_PASSWORD), user.check_password(PASSWORD)) == (True, False)
    assert client.get("/patients/").status_code == 302


def test_set_password_refuses_a_weak_one():
    user = make_user()
    with pytest.raises(ValidationError) as refused:
        set_password(user=user, password="short")
    assert list(refused.value.message_dict) == ["password"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_switched_off_is_out_at_the_next_request_and_the_old_cookie_stays_dead():
    location = make_location()
    owner, user = make_user("owner", location=location), make_user(location=location)
    client = signed_in(user=user)
    assert client.get("/patients/").status_code == 200
    cookie = client.cookies["sessionid"].value
    switch_off(user=user, by=owner)
    client.cookies["sessionid"] = cookie
    assert client.get("/patients/").status_code == 302
    switch_on(user=user)
    client.cookies["sessionid"] = cookie
    assert client.get("/patients/").status_code == 302
    assert signed_in(user=User.objects.get(pk=user.pk)).get("/patients/").status_code == 200


def test_switching_twice_changes_nothing_more():
    location = make_location()
    owner, user = make_user("owner", location=location), make_user(location=location)
    switch_off(user=user, by=owner)
    switch_off(user=user, by=owner)
    user.refresh_from_db()
    assert (user.is_active, user.session_version) == (False, 1)


def test_nobody_switches_off_herself():
    location = make_location()
    owner = make_user("owner", location=location)
    make_user("owner", location=location)
    with pytest.raises(NotOneself):
        switch_off(user=owner, by=owner)
    owner.refresh_from_db()
    assert owner.is_active is True


def test_last_owner_of_a_location_stays():
    location = make_location()
    owner, lead = make_user("owner", location=location), make_user("lead", location=location)
    elsewhere = make_location()
    make_user("owner", location=elsewhere)
    make_user("owner", location=location, is_active=False)
    with pytest.raises(LastOwner):
        switch_off(user=owner, by=lead)
    with pytest.raises(LastOwner):
        update(owner, roles=[Role.LEAD])
    with pytest.raises(LastOwner):
        update(owner, locations=[elsewhere])
    owner = User.objects.get(pk=owner.pk)
    assert (owner.is_active, owner.is_owner, list(owner.locations.all())) == (True, True, [location])


def test_last_but_one_owner_may_go():
    location = make_location()
    first, second = make_user("owner", location=location), make_user("owner", location=location)
    switch_off(user=first, by=second)
    first.refresh_from_db()
    assert first.is_active is False


def test_place_that_never_had_an_owner_holds_nobody():
    location = make_location()
    user = make_user("lead", location=location)
    switch_off(user=user, by=make_user("owner"))
    user.refresh_from_db()
    assert user.is_active is False


def test_audit_names_the_fields_and_never_their_words():
    user = add(email="noor@example.org")
    update(user, name="Secretname")
    set_password(user=user, password="another-good-one-here")
    entries = list(LogEntry.objects.get_for_object(user).order_by("pk"))
    assert [set(entry.changes) for entry in entries[-2:]] == [{"name"}, {"password", "session_version"}]
    told = " ".join(f"{entry.changes}" for entry in entries)
    for word in ("Secretname", "noor@example.org", "argon2", "md5$", GOOD_PASSWORD):
        assert word not in told


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_owners_who_switch_each_other_off_at_once_leave_one():
    location = make_location()
    owners = [make_user("owner", location=location) for _ in range(4)]
    pairs = zip(owners, owners[1:] + owners[:1], strict=True)
    assert outcomes([partial(switch_off, user=user, by=by) for user, by in pairs]) == {"done": 3, "LastOwner": 1}
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_one_user_name_taken_at_once_is_given_once():
    calls = [partial(add, locations=[make_location()]) for _ in range(4)]
    assert outcomes(calls) == {"done": 1, "ValidationError": 3}
    assert User.objects.count() == 1
