from datetime import date, time
from decimal import Decimal

from django import forms
from django.http import QueryDict

from clinic.editing import Difference, EditForm, differences, fingerprint


class ThingForm(EditForm):
    name = forms.CharField(label="Name")
    is_active = forms.BooleanField(label="In use", required=False)


def test_fingerprint_is_of_the_values_and_not_of_their_order():
    assert fingerprint({"a": 1, "b": Decimal("2.50")}) == fingerprint({"b": Decimal("2.50"), "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint({"a": "1"}) != fingerprint({"a": 1})


def test_form_carries_the_fingerprint_of_what_it_was_opened_with():
    stored = {"name": "Room 1", "is_active": True}
    assert ThingForm(stored=stored)["seen"].value() == fingerprint(stored)


def test_form_on_top_of_what_is_stored_now_keeps_what_was_typed():
    posted = QueryDict("name=Mine&seen=old")
    form = ThingForm(posted, stored={"name": "Room 1", "is_active": True})
    assert form.is_valid()
    now_stored = {"name": "Theirs", "is_active": True}
    assert form.on_top_of(now_stored) == [
        Difference(label="Name", stored="Theirs", typed="Mine"),
        Difference(label="In use", stored="Yes", typed="No"),
    ]
    assert form["seen"].value() == fingerprint(now_stored)
    assert form["name"].value() == "Mine"


def test_differences_are_shown_as_people_read_them():
    class Form(forms.Form):
        day = forms.DateField(label="Day")
        at = forms.TimeField(label="At")
        roles = forms.MultipleChoiceField(label="Roles", choices=[("a", "Alpha"), ("b", "Beta")])
        tone = forms.ChoiceField(label="Tone", choices=[("x", "Sky")])
        same = forms.CharField(label="Same")

    stored = {"day": date(2026, 3, 9), "at": None, "roles": ["a"], "tone": "gone", "same": "s"}
    typed = {"day": date(2026, 3, 10), "at": time(9, 5), "roles": ["a", "b"], "tone": "x", "same": "s"}
    assert differences(Form(), typed=typed, stored=stored) == [
        Difference("Day", "9 March 2026", "10 March 2026"),
        Difference("At", "", "09:05"),
        Difference("Roles", "Alpha", "Alpha, Beta"),
        Difference("Tone", "", "Sky"),
    ]
