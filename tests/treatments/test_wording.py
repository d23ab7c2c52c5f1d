"""What no text may say: table of phrasings."""

import pytest

from treatments.catalogue.wording import told_to_leave_out

LEFT_OUT = [
    "Tell the patient to stop the medicine for 24 hours.",
    "You need not take your tablets on the morning of the visit.",
    "You do not need to take your tablets that day.",
    "Please skip one dose.",
    "Pause the medicine two days before.",
    "Leave out the tablet in the morning.",
    "Leave your tablets at home.",
    "Leave the morning tablet out.",
    "Do not take it on the day.",
    "Don’t take your tablets.",
    "Don't take it.",
    "Never take it before a visit.",
    "The patient should not take it.",
    "She is not to take it.",
    "No need to take your medicine today.",
    "Come without taking your tablets.",
    "Take no tablets on the morning of the visit.",
    "No tablets on the day.",
    "Ask for a break from the medicine.",
    "Take your tablets only after the visit.",
    "Hold the medicine for a day.",
    "Withhold one dose.",
    "Discontinue it a week before.",
    "Come off it slowly.",
    "Go without it for a day.",
    "If you do not feel well stop it.",
    "Do not wait, stop the medicine.",
    "The medicine is stopped for a day.",
    "Stopping it for a day is enough.",
    "You can miss one day.",
    "End the course early.",
    "You may stop.",
    "Avoid the medicine.",
    "Ask the patient to interrupt it.",
    "The dose is left out.",
    "It is not needed; please omit it.",
    "Not stopping is bad, so pause it.",
    "Medicines are not taken on the day.",
    "Wait with your tablets until we have seen you.",
    "Postpone the injection.",
    "Please keep off it.",
    "You don’t have to take it.",
    "There is no need for the tablet today, so leave it off.",
    "STOP.",
    "Never stop it, but skip the dose before us.",
    "Leave\nout the tablet.",
]
FINE = [
    "Do not stop your medicine.",
    "Please don’t stop or change it.",
    "Never stop it by yourself.",
    "Never tell a patient to leave out a dose.",
    "Never suggest ending a course early.",
    "Do not ask the patient to skip a dose.",
    "Do not advise stopping.",
    "Nobody may tell her to stop.",
    "No dose is left out.",
    "It must not be stopped.",
    "The patient keeps taking it.",
    "Please keep taking your medicine as you do now.",
    "If a doctor has told you to take it, please carry on.",
    "We leave this skin alone until it has healed.",
    "Leave the zone alone until it has healed; moving the visit is free.",
    "The tattooed zones stay out of the visit.",
    "Leave other creams of this kind on the shelf until your skin has healed.",
    "Take your time. You can book when you are ready.",
    "Your skin needs 24 hours out of the sun before we treat it.",
    "Not within three months; until a year has passed the clinical lead decides.",
    "No numbing cream, and none brought from home.",
    "Practitioners give no advice on medicines here.",
    "Do not suddenly stop it.",
    "Keep taking it without stopping.",
    "We do not treat anybody who is pregnant.",
    "This treatment cannot be used near the eye.",
]


@pytest.mark.parametrize("text", LEFT_OUT)
def test_what_may_be_taken_as_leaving_a_medicine_out_is_found(text):
    assert told_to_leave_out(text)


@pytest.mark.parametrize("text", FINE)
def test_what_keeps_a_medicine_or_is_about_something_else_is_not(text):
    assert told_to_leave_out(text) == ""


@pytest.mark.parametrize("text", LEFT_OUT)
@pytest.mark.parametrize(
    "around", ["{}", "Please keep taking it. {}", "{} Never stop it by yourself.", "Do not worry. {}"]
)
def test_no_other_sentence_hides_it(text, around):
    assert told_to_leave_out(around.format(text))
    assert told_to_leave_out(around.format(text.upper()))


def test_it_takes_no_time_on_long_texts():
    assert told_to_leave_out("leave " * 2000) == ""
    assert told_to_leave_out("do not tell the patient " * 500 + "to stop it") == ""
