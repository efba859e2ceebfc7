from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark_connection_tests(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Those that there are: they have no configuration, and a request that names the action."""
    jobs = apps.get_model("jobs", "Job").objects.using(schema_editor.connection.alias)
    tests = jobs.filter(configuration=None, component_id__in=["ex-database", "wr-database"])
    tests.filter(request__configData__action="testConnection").update(is_trial=True)


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_claims_and_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="is_trial",
            field=models.BooleanField(
                default=False,
                help_text="Another action than run, such as testing a connection: no run, and no failed one.",
            ),
        ),
        migrations.RunPython(mark_connection_tests, migrations.RunPython.noop),
    ]
