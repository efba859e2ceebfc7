from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_indexes_of_queries")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False), models.Q(("status", "success"), _negated=True)),
                fields=["project", "-finished_at"],
                name="job_failed_by_end",
            ),
        ),
    ]
