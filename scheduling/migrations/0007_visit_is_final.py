"""A patient hears that a visit that waited for a clinician is final."""

from django.db import migrations, models

KINDS = {
    "confirmation": "Confirmation",
    "before_48h": "48 hours before",
    "get_ready": "Out of the sun, clean face",
    "after_2h": "2 hours after",
    "after_24h": "24 hours after",
    "after_48h": "48 hours after",
    "moved": "Moved",
    "cancelled": "Cancelled",
    "new_link": "New link",
    "final": "Visit is final",
}


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0006_call_for_clinician")]

    operations = [
        migrations.RemoveConstraint(model_name="reminder", name="reminder_known_kind"),
        migrations.AlterField(
            model_name="reminder", name="kind", field=models.CharField(choices=list(KINDS.items()), max_length=15)
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(condition=models.Q(kind__in=list(KINDS)), name="reminder_known_kind"),
        ),
    ]
