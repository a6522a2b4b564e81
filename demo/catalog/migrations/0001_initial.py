"""Create the table of products."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Made by ``manage.py makemigrations``."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("slug", models.SlugField(unique=True)),
                (
                    "category",
                    models.CharField(
                        choices=[("tea", "Tea"), ("pots", "Pots"), ("cups", "Cups")],
                        max_length=10,
                    ),
                ),
                ("description", models.TextField(blank=True)),
                ("price", models.DecimalField(decimal_places=2, max_digits=8)),
                ("stock", models.IntegerField(default=0)),
            ],
            options={"ordering": ("category", "name")},
        ),
    )
