from django.db import migrations

from orchestrations import table_uses
from orchestrations.components.catalogue import ORCHESTRATOR


def find_uses(apps, schema_editor):
    """Of the content that tasks bring with them, in orchestrations that were saved before it was looked at."""
    TableUse = apps.get_model("orchestrations", "TableUse")
    Configuration = apps.get_model("orchestrations", "Configuration")
    found = Configuration.objects.filter(component_id=ORCHESTRATOR).order_by("pk")
    for configuration in found.iterator(chunk_size=200):
        declared = table_uses.declared(configuration.component_id, configuration.document)
        TableUse.objects.filter(configuration=configuration).delete()
        TableUse.objects.bulk_create(
            TableUse(configuration=configuration, kind=kind, table_id=name)
            for kind, name in table_uses.names_of(configuration, declared)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("orchestrations", "0010_sessions"),
    ]

    operations = [
        migrations.RunPython(find_uses, migrations.RunPython.noop, elidable=True),
    ]
