"""What is on file was asked about the skin of the courses that there are."""

from collections import defaultdict

from django.db import migrations

NOT_KNOWN = "not_sure"
ABOUT_SKIN = {
    "flare where treatment is wanted",
    "sore or broken skin where treatment is wanted",
    "tattoo or permanent make-up where treatment is wanted",
    "earlier treatments of this skin",
    "injury or operation behind the scar",
}


def tell_the_skin(apps, schema_editor):
    skin = defaultdict(set)
    courses = apps.get_model("treatments", "Course").objects.values_list("patient", "zones__code")
    for patient, code in courses.order_by().distinct():
        skin[patient].add(code or NOT_KNOWN)
    answered = apps.get_model("treatments", "AnsweredSkin")
    facts = apps.get_model("patients", "MedicalFact").objects.filter(superseded_at=None, patient__in=skin)
    told = (
        answered(fact=fact, zones=", ".join(sorted(skin[fact.patient_id])))
        for fact in facts.only("patient", "subject").iterator(chunk_size=2000)
        if fact.subject in ABOUT_SKIN
    )
    answered.objects.bulk_create(told, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("treatments", "0003_answered_skin")]

    operations = [migrations.RunPython(tell_the_skin, migrations.RunPython.noop)]
