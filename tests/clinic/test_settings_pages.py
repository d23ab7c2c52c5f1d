"""The settings pages, as the lead and the owner meet them and nobody else."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from clinic import places, staff
from clinic.editing import Difference, fingerprint
from clinic.models import Device, Location, Room, User
from tests.factories import (
    make_device,
    make_location,
    make_practitioner,
    make_room,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db

OVERVIEW = reverse("clinic:settings")
LOCATION = reverse("clinic:location-edit")
NEW_LOCATION = reverse("clinic:location-create")
NEW_ROOM = reverse("clinic:room-create")
NEW_DEVICE = reverse("clinic:device-create")
NEW_STAFF = reverse("clinic:staff-create")
HOSTILE = ["\x00", "\u200b", "a\r\nb", "x" * 10_000, "<script>alert(1)</script>", "\u202e"]


@pytest.fixture
def location():
    return make_location(name="Larkfield")


@pytest.fixture
def owner(location):
    return make_user("owner", location=location, name="Olga Owner")


@pytest.fixture
def as_owner(owner):
    return signed_in(user=owner)


@pytest.fixture
def as_lead(location):
    return signed_in("lead", location=location)


def url(name, thing):
    return reverse(f"clinic:{name}", args=[thing.public_id])


def form_of(thing, **changes):
    """What the edit page of a room or device would post."""
    details = places.details_of(type(thing).objects.get(pk=thing.pk))
    posted = {name: "on" if value is True else value for name, value in details.items() if value is not False}
    return {"seen": fingerprint(details)} | posted | changes


def staff_form_of(user, **changes):
    details = staff.details_of(User.objects.get(pk=user.pk))
    return {"seen": fingerprint(details)} | details | changes


def new_colleague(location, **changes):
    return {
        "name": "Noor Rahman",
        "username": "noor",
        "email": "",
        "roles": ["practitioner"],
        "locations": [str(location.public_id)],
        "title": "Aesthetician",
        "tone": "sky",
        "max_depth_mm": "1.5",
        "password": "velvet-otter-in-june",
    } | changes


# --- The overview -----------------------------------------------------------------------------------------------------


def test_overview_shows_the_location_on_the_screen_and_nothing_foreign(location, as_lead):
    room, device = make_room(location, name="Garden"), make_device(location, name="Pen A")
    practitioner = make_practitioner(location)
    elsewhere = make_location(name="Elsewhere")
    make_room(elsewhere, name="Foreign room")
    make_user(location=elsewhere, name="Foreign person")
    page = as_lead.get(OVERVIEW)
    for text in ("Larkfield", url("room-edit", room), url("device-edit", device), practitioner.name):
        assertContains(page, text)
    assertContains(page, reverse("scheduling:hours-edit", args=[practitioner.public_id]))
    for text in ("Elsewhere", "Foreign room", "Foreign person"):
        assertNotContains(page, text)


def test_overview_links_to_accounts_for_the_owner_alone(location, as_owner, as_lead):
    user = make_user(location=location)
    assertContains(as_owner.get(OVERVIEW), url("staff-edit", user))
    assertNotContains(as_lead.get(OVERVIEW), "/settings/staff/")


def test_overview_asks_as_much_for_three_rows_as_for_one(location, as_owner, django_assert_num_queries):
    def add():
        make_room(location)
        make_device(location)
        make_practitioner(location)

    expected = 6  # session, user, her locations; rooms, devices, staff
    add()
    with django_assert_num_queries(expected):
        as_owner.get(OVERVIEW)
    add()
    add()
    with django_assert_num_queries(expected):
        as_owner.get(OVERVIEW)


# --- Location, rooms, devices -----------------------------------------------------------------------------------------


def test_location_is_edited(location, as_lead):
    assertContains(as_lead.get(LOCATION), 'value="Larkfield"')
    changes = {"name": "Lark Hill", "zone_name": "Europe/Berlin", "phone": "030 901820", "address": "Hill 1"}
    changes["emergency_phone"] = "112"
    assertRedirects(as_lead.post(LOCATION, form_of(location, **changes)), OVERVIEW)
    location.refresh_from_db()
    assert places.details_of(location) == changes


def test_owner_opens_another_location_and_stands_in_it(location, owner, as_owner):
    details = {
        "name": "Lark Hill",
        "zone_name": "Europe/Berlin",
        "phone": "030 901820",
        "address": "",
        "emergency_phone": "",
    }
    assert as_owner.get(NEW_LOCATION).context["form"]["zone_name"].value() == location.zone_name
    assertContains(as_owner.post(NEW_LOCATION, details, follow=True), '<p class="page-lede">Lark Hill</p>')
    opened = Location.objects.exclude(pk=location.pk).get()
    assert places.details_of(opened) == details
    assert list(owner.locations.order_by("pk")) == [location, opened]


def test_a_location_of_a_name_that_is_taken_is_not_opened(location, owner, as_owner):
    answer = as_owner.post(NEW_LOCATION, form_of(location))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"name": ["This name is taken already. Choose another one."]}
    assert list(owner.locations.all()) == [location]


def test_room_is_added_to_the_location_on_the_screen(location, as_lead):
    assertRedirects(as_lead.post(NEW_ROOM, {"name": "Garden"}), OVERVIEW)
    assert Room.objects.values_list("location", "name", "is_active").get() == (location.pk, "Garden", True)


def test_room_posted_twice_makes_one_row(location, as_lead):
    as_lead.post(NEW_ROOM, {"name": "Garden"})
    answer = as_lead.post(NEW_ROOM, {"name": "Garden"})
    assertContains(answer, "This name is taken already. Choose another one.", status_code=422)
    assert Room.objects.count() == 1


def test_room_is_edited_and_taken_out_of_use(location, as_lead):
    room = make_room(location, name="Garden")
    data = form_of(room, name="Attic")
    del data["is_active"]
    assertRedirects(as_lead.post(url("room-edit", room), data), OVERVIEW)
    room.refresh_from_db()
    assert (room.name, room.is_active) == ("Attic", False)


def test_device_is_added_and_edited(location, as_lead):
    assertRedirects(as_lead.post(NEW_DEVICE, {"name": "Pen", "max_depth_mm": "2,5"}), OVERVIEW)
    device = Device.objects.get()
    assert (device.location, device.max_depth_mm) == (location, Decimal("2.5"))
    assertRedirects(as_lead.post(url("device-edit", device), form_of(device, max_depth_mm="3")), OVERVIEW)
    device.refresh_from_db()
    assert device.max_depth_mm == Decimal("3")


def test_mistakes_keep_what_was_typed(as_lead):
    answer = as_lead.post(NEW_DEVICE, {"name": "Pen", "max_depth_mm": "3.01"})
    assertContains(answer, "Give a depth in mm between 0.1 and 3, such as 1.5.", status_code=422)
    assertContains(answer, 'value="Pen"', status_code=422)
    assertContains(answer, 'value="3.01"', status_code=422)
    assert Device.objects.count() == 0


@pytest.mark.parametrize("page", [NEW_ROOM, NEW_DEVICE, NEW_STAFF, LOCATION])
def test_empty_post_is_a_mistake(as_owner, page):
    assert as_owner.post(page, {}).status_code == 422


def test_edited_meanwhile_shows_both_versions_and_then_saves_over(location, as_lead):
    room = make_room(location, name="Garden")
    late = form_of(room, name="Cellar")
    as_lead.post(url("room-edit", room), form_of(room, name="Attic"))
    answer = as_lead.post(url("room-edit", room), late)
    assert answer.status_code == 409
    assert answer.context["differences"] == [Difference(label="Name", stored="Attic", typed="Cellar")]
    assertContains(answer, 'value="Cellar"', status_code=409)
    room.refresh_from_db()
    assert room.name == "Attic"
    again = late | {"seen": answer.context["form"]["seen"].value()}
    assertRedirects(as_lead.post(url("room-edit", room), again), OVERVIEW)
    room.refresh_from_db()
    assert room.name == "Cellar"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_or_kept_inert(location, as_owner, text):
    for page, data in [
        (NEW_ROOM, {"name": text}),
        (NEW_DEVICE, {"name": text, "max_depth_mm": text}),
        (NEW_DEVICE, {"name": text, "max_depth_mm": "1"}),
        (LOCATION, form_of(location, name=text, address=text, zone_name=text, phone=text)),
        (LOCATION, form_of(location, name=text, seen=text)),
        (NEW_STAFF, new_colleague(location, name=text, username=text, roles=[text], locations=[text], tone=text)),
        (NEW_STAFF, new_colleague(location, name=text, title=text, password=text)),
        (NEW_STAFF, new_colleague(location, title=text, email=text)),
    ]:
        answer = as_owner.post(page, data)
        assert answer.status_code in (302, 409, 422)
        assert b"<script>alert" not in answer.content
    assert b"<script>alert" not in as_owner.get(OVERVIEW).content


# --- Staff ------------------------------------------------------------------------------------------------------------


def test_colleague_is_added(location, as_owner):
    assertRedirects(as_owner.post(NEW_STAFF, new_colleague(location)), OVERVIEW)
    user = User.objects.get(username="noor")
    assert (user.name, list(user.locations.all())) == ("Noor Rahman", [location])
    assert user.check_password("velvet-otter-in-june")
    assert (user.practitioner.title, user.practitioner.max_depth_mm) == ("Aesthetician", Decimal("1.5"))


def test_new_colleague_cannot_be_put_into_a_foreign_location(location, as_owner):
    foreign = make_location()
    answer = as_owner.post(NEW_STAFF, new_colleague(location, locations=[str(foreign.public_id)]))
    assert answer.status_code == 422
    assert not User.objects.filter(username="noor").exists()


def test_mistakes_never_send_the_password_back(location, as_owner):
    answer = as_owner.post(NEW_STAFF, new_colleague(location, name="12"))
    assertNotContains(answer, "velvet-otter", status_code=422)
    assertContains(answer, 'value="noor"', status_code=422)


def test_colleague_is_edited_and_stays_where_the_owner_cannot_see(location, as_owner):
    elsewhere = make_location()
    user = make_user(location=location, email="")
    user.locations.add(elsewhere)
    page = as_owner.get(url("staff-edit", user))
    assertNotContains(page, elsewhere.name)
    data = staff_form_of(user, name="Ada Berg", roles=["lead"], locations=[str(location.public_id)])
    assertRedirects(as_owner.post(url("staff-edit", user), data), OVERVIEW)
    user = User.objects.get(pk=user.pk)
    assert (user.name, user.is_lead, user.is_receptionist) == ("Ada Berg", True, False)
    assert set(user.locations.all()) == {location, elsewhere}


def test_last_owner_keeps_her_role(location, owner, as_owner):
    answer = as_owner.post(url("staff-edit", owner), staff_form_of(owner, roles=["lead"]))
    assertContains(answer, "Make somebody else an owner first.", status_code=422)
    owner.refresh_from_db()
    assert owner.is_owner is True


def test_colleague_edited_meanwhile(location, as_owner):
    user = make_user(location=location)
    late = staff_form_of(user, name="Eva Berg")
    as_owner.post(url("staff-edit", user), staff_form_of(user, name="Ada Berg"))
    answer = as_owner.post(url("staff-edit", user), late)
    assert answer.status_code == 409
    assert answer.context["differences"] == [Difference(label="Name", stored="Ada Berg", typed="Eva Berg")]
    user.refresh_from_db()
    assert user.name == "Ada Berg"


def test_password_is_set(location, as_owner):
    user = make_user(location=location)
    page = url("staff-password", user)
    assert as_owner.post(page, {"password": "short"}).status_code == 422
    assertRedirects(as_owner.post(page, {"password": "velvet-otter-in-june"}), url("staff-edit", user))
    user.refresh_from_db()
    assert user.check_password("velvet-otter-in-june")


def test_owner_who_sets_her_own_password_stays_signed_in(owner, as_owner):
    as_owner.post(url("staff-password", owner), {"password": "velvet-otter-in-june"})
    assert as_owner.get(OVERVIEW).status_code == 200


def test_account_is_switched_off_and_on(location, as_owner):
    user = make_user(location=location)
    assertRedirects(as_owner.post(url("staff-switch-off", user)), url("staff-edit", user))
    user.refresh_from_db()
    assert user.is_active is False
    assertContains(as_owner.get(OVERVIEW), "Switched off")
    assertRedirects(as_owner.post(url("staff-switch-on", user)), url("staff-edit", user))
    user.refresh_from_db()
    assert user.is_active is True


def test_owner_cannot_switch_off_herself(owner, as_owner):
    answer = as_owner.post(url("staff-switch-off", owner), follow=True)
    assertContains(answer, "You cannot switch off your own account.")
    owner.refresh_from_db()
    assert owner.is_active is True


# --- Doors ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def things(location):
    return make_room(location), make_device(location), make_user(location=location)


def pages(room, device, user):
    """Every page, with who may open it beside the owner."""
    return [
        (OVERVIEW, "lead"),
        (LOCATION, "lead"),
        (NEW_LOCATION, None),
        (NEW_ROOM, "lead"),
        (url("room-edit", room), "lead"),
        (NEW_DEVICE, "lead"),
        (url("device-edit", device), "lead"),
        (NEW_STAFF, None),
        (url("staff-edit", user), None),
        (url("staff-password", user), None),
    ]


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "lead", "owner"])
def test_each_role_opens_its_pages_and_no_others(location, things, role):
    client = signed_in(role, location=location)
    opened = {page: client.get(page).status_code for page, _also in pages(*things)}
    assert opened == {page: 200 if role == "owner" or role == also else 403 for page, also in pages(*things)}


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "lead"])
def test_only_the_owner_changes_accounts(location, things, role):
    user = things[2]
    before = User.objects.filter(pk=user.pk).values().get()
    client = signed_in(role, location=location)
    answers = [
        client.post(NEW_STAFF, new_colleague(location)),
        client.post(url("staff-edit", user), staff_form_of(user, name="Eva")),
        client.post(url("staff-password", user), {"password": "velvet-otter-in-june"}),
        client.post(url("staff-switch-off", user)),
        client.post(url("staff-switch-on", user)),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert not User.objects.filter(username="noor").exists()


def test_what_is_foreign_does_not_exist(as_owner):
    elsewhere = make_location()
    room, device, user = make_room(elsewhere), make_device(elsewhere), make_user(location=elsewhere)
    before = [list(model.objects.order_by("pk").values()) for model in (Room, Device, User)]
    answers = [
        as_owner.post(url("room-edit", room), form_of(room, name="Mine")),
        as_owner.post(url("device-edit", device), form_of(device, name="Mine")),
        as_owner.post(url("staff-edit", user), staff_form_of(user, name="Mine")),
        as_owner.post(url("staff-password", user), {"password": "velvet-otter-in-june"}),
        as_owner.post(url("staff-switch-off", user)),
        as_owner.post(url("staff-switch-on", user)),
        as_owner.get(url("room-edit", room)),
        as_owner.get(url("staff-edit", user)),
        as_owner.get(reverse("clinic:room-edit", args=[uuid4()])),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert [list(model.objects.order_by("pk").values()) for model in (Room, Device, User)] == before


def test_other_methods_are_refused(things, as_owner):
    room, device, user = things
    for page, _also in pages(room, device, user):
        methods = ["put", "patch", "delete", "options"] + (["post"] if page == OVERVIEW else [])
        assert {getattr(as_owner, method)(page).status_code for method in methods} == {405}
    for name in ("staff-switch-off", "staff-switch-on"):
        methods = ["get", "head", "put", "delete", "options"]
        assert {getattr(as_owner, method)(url(name, user)).status_code for method in methods} == {405}


def test_forms_ask_for_the_token(owner, things):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    for page, _also in pages(*things)[1:]:
        assert client.post(page, {}).status_code == 403
    assert client.post(url("staff-switch-off", things[2])).status_code == 403
    assert Location.objects.get().name == "Larkfield"
