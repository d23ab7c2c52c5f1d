"""A changed date of birth is a cause to screen again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("treatments", "0001_first")]

    operations = [
        migrations.RemoveConstraint(model_name="screening", name="screening_known_cause"),
        migrations.AlterField(
            model_name="screening",
            name="cause",
            field=models.CharField(
                choices=[
                    ("booking", "The visit was booked"),
                    ("move", "The visit was moved"),
                    ("treatment", "The treatment was changed"),
                    ("answers", "An answer was given"),
                    ("details", "The date of birth was changed"),
                    ("advice", "The prescriber's advice was recorded"),
                    ("rules", "The rules have changed"),
                    ("time", "The time to ask the prescriber has run out"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="screening",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    cause__in=["booking", "move", "treatment", "answers", "details", "advice", "rules", "time"]
                ),
                name="screening_known_cause",
            ),
        ),
    ]
