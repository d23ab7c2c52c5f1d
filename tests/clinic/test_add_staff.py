import pytest
from django.core.management import CommandError, call_command

from clinic.models import Location, User
from tests.factories import make_location

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("STAFF_PASSWORD", "velvet-otter-in-june")


def test_first_owner_comes_with_the_first_location(capsys):
    call_command("add_staff", "ada", name="Ada Berg", location="Larkfield", phone="020 7946 0112", zone="Europe/Berlin")
    user, location = User.objects.get(), Location.objects.get()
    assert (user.username, user.is_owner, list(user.locations.all())) == ("ada", True, [location])
    assert (location.name, location.zone_name, location.phone) == ("Larkfield", "Europe/Berlin", "020 7946 0112")
    assert user.check_password("velvet-otter-in-june")
    assert "velvet" not in capsys.readouterr().out


def test_later_accounts_join_the_only_location():
    location = make_location()
    call_command("add_staff", "ada", name="Ada Berg", roles=["receptionist", "lead"])
    user = User.objects.get()
    assert (user.is_receptionist, user.is_lead, user.is_owner) == (True, True, False)
    assert list(user.locations.all()) == [location]


@pytest.mark.parametrize(
    ("places", "options", "sentence"),
    [
        (0, {}, "There is no location yet."),
        (0, {"location": "Larkfield"}, "There is no location yet."),
        (0, {"location": "Larkfield", "phone": "x"}, "phone: Write the phone number in digits"),
        (1, {"location": "Nowhere"}, "There is no location of this name."),
        (2, {}, "There are several locations."),
        (1, {"name": "12"}, "name: Give a name with at least one letter."),
    ],
)
def test_refusals_say_what_to_do_and_leave_nothing_behind(places, options, sentence):
    for _ in range(places):
        make_location()
    with pytest.raises(CommandError, match=sentence):
        call_command("add_staff", "ada", **{"name": "Ada Berg"} | options)
    assert User.objects.count() == 0
    assert Location.objects.count() == places


def test_weak_password_is_refused(monkeypatch):
    make_location()
    monkeypatch.setenv("STAFF_PASSWORD", "short")
    with pytest.raises(CommandError, match="password: This password is too short"):
        call_command("add_staff", "ada", name="Ada Berg")
    assert User.objects.count() == 0


def test_password_is_asked_for_when_the_environment_has_none(monkeypatch):
    make_location()
    monkeypatch.delenv("STAFF_PASSWORD")
    monkeypatch.setattr("clinic.management.commands.add_staff.getpass", lambda prompt: "velvet-otter-in-june")
    call_command("add_staff", "ada", name="Ada Berg")
    assert User.objects.get().check_password("velvet-otter-in-june")
