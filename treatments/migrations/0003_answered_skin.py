"""An answer about skin says which."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_first"), ("treatments", "0002_screening_by_date_of_birth")]

    operations = [
        migrations.CreateModel(
            name="AnsweredSkin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("zones", models.CharField(max_length=400)),
                (
                    "fact",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="skin", to="patients.medicalfact"
                    ),
                ),
            ],
        ),
    ]
