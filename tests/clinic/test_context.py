import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import reverse

from clinic.context import shell
from tests.factories import make_clinic, make_user

pytestmark = pytest.mark.django_db


def shown(user, path="/"):
    request = RequestFactory().get(path)
    request.user, request.session = user, {}
    return shell(request)["shell"]


def entries(frame):
    return [entry["label"] for entry in frame["nav"]]


def test_managers_have_the_settings_and_the_lead_the_rules():
    for_everybody = ["Day board", "New booking", "Patients", "Worklists"]
    assert entries(shown(make_user("receptionist"))) == for_everybody
    assert entries(shown(make_user("practitioner"))) == ["My day", *for_everybody]
    assert entries(shown(make_user("lead"))) == [*for_everybody, "Rules", "Settings"]
    assert entries(shown(make_user("owner"))) == [*for_everybody, "Settings"]


def test_whoever_treats_finds_her_own_day_first():
    assert entries(shown(make_user("practitioner")))[:2] == ["My day", "Day board"]
    assert entries(shown(make_user("owner", "practitioner")))[0] == "My day"


def test_the_demo_has_its_mailbox(settings):
    settings.IS_DEMO = True
    assert entries(shown(make_user("receptionist")))[-1] == "Demo mailbox"


@pytest.mark.parametrize(
    "name", ["scheduling:board-day", "scheduling:booking-create", "patients:patient-list", "scheduling:worklists"]
)
def test_the_entry_of_the_page_is_marked_and_no_other(name):
    frame = shown(make_user("receptionist"), f"{reverse(name)}?day=2026-01-12")
    assert [entry["url"] for entry in frame["nav"] if entry["current"]] == [reverse(name)]


def test_the_number_of_what_waits_is_asked_for_where_there_is_a_location():
    def counted(user):
        return [(entry["label"], entry["count_url"]) for entry in shown(user)["nav"] if entry["count_url"]]

    assert counted(make_user(location=make_clinic())) == [("Worklists", reverse("scheduling:worklists-count"))]
    assert counted(make_user()) == []


def test_frame_names_the_place_and_the_persons_roles():
    place = make_clinic()
    frame = shown(make_user("owner", "practitioner", location=place))
    assert (frame["location"], frame["locations"]) == (place, [place])
    assert frame["roles"] == ["Practitioner", "Owner"]


def test_somebody_without_a_location_has_a_frame_too():
    assert shown(make_user("receptionist"))["location"] is None


def test_nobody_is_told_anything_before_signing_in():
    assert shown(AnonymousUser()) == {"is_demo": False}
