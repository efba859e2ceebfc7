from django.db import migrations

from orchestrations import table_uses


def find_uses(apps, schema_editor):
    """Of what was saved before; every later save writes its own rows."""
    TableUse = apps.get_model("orchestrations", "TableUse")
    Configuration = apps.get_model("orchestrations", "Configuration")
    for configuration in Configuration.objects.order_by("pk").iterator(chunk_size=200):
        declared = table_uses.declared(configuration.component_id, configuration.document)
        TableUse.objects.bulk_create(
            TableUse(configuration=configuration, kind=kind, table_id=name)
            for kind, name in table_uses.names_of(configuration, declared)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("orchestrations", "0007_table_uses"),
    ]

    operations = [
        migrations.RunPython(find_uses, migrations.RunPython.noop, elidable=True),
    ]
