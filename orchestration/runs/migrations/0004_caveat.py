from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0003_unpriced_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="caveat",
            field=models.CharField(blank=True, default="", max_length=60),
            preserve_default=False,
        ),
    ]
