"""A patient for whom nothing can be booked waits for a call as well."""

import django.db.models.deletion
from django.db import migrations, models


def forget_calls_without_visit(apps, schema_editor):
    apps.get_model("scheduling", "CallRequest").objects.filter(appointment=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("clinic", "0001_first"),
        ("patients", "0001_first"),
        ("scheduling", "0003_new_link"),
    ]

    operations = [
        migrations.AddField(
            model_name="callrequest",
            name="patient",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="call_requests",
                to="patients.patient",
            ),
        ),
        migrations.AddField(
            model_name="callrequest",
            name="location",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clinic.location"
            ),
        ),
        migrations.AlterField(
            model_name="callrequest",
            name="appointment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="call_requests",
                to="scheduling.appointment",
            ),
        ),
        migrations.AlterField(model_name="callrequest", name="revision", field=models.PositiveIntegerField(null=True)),
        migrations.AddConstraint(
            model_name="callrequest",
            constraint=models.UniqueConstraint(
                name="call_request_of_patient_waits_once",
                fields=["patient", "location"],
                condition=models.Q(answered_at=None),
            ),
        ),
        migrations.AddConstraint(
            model_name="callrequest",
            constraint=models.CheckConstraint(
                name="call_request_about_visit_or_patient",
                condition=models.Q(appointment__isnull=False, revision__isnull=False, patient=None, location=None)
                | models.Q(appointment=None, revision=None, patient__isnull=False, location__isnull=False),
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_calls_without_visit),
    ]
