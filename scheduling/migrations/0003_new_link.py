"""A link is sent anew by hand, as often as somebody asks for it."""

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
}


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_call_request")]

    operations = [
        migrations.RemoveConstraint(model_name="reminder", name="reminder_known_kind"),
        migrations.RemoveConstraint(model_name="reminder", name="reminder_once_per_kind_and_revision"),
        migrations.AlterField(
            model_name="reminder", name="kind", field=models.CharField(choices=list(KINDS.items()), max_length=15)
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(condition=models.Q(kind__in=list(KINDS)), name="reminder_known_kind"),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.UniqueConstraint(
                condition=~models.Q(kind="new_link"),
                fields=("appointment", "kind", "revision"),
                name="reminder_once_per_kind_and_revision",
            ),
        ),
    ]
