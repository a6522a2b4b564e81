"""Index orders by their time: ``run.py --broken`` is a deploy that forgot this one."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Made by ``manage.py makemigrations``."""

    dependencies = (("orders", "0001_initial"),)
    operations = (
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-placed_at"], name="order_newest"),
        ),
    )
