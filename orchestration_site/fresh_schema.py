"""The tables of a database that has none yet, made as the models are now.

All migrations from the first one on would come to the same, and take ten times as long: each of their 180 steps builds
its models anew. That it is the same is a test (tests/site/test_fresh_schema.py).
"""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def is_wanted() -> bool:
    """Whether there is no table that a migration could have made."""
    tables = set(connection.introspection.table_names())
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return tables.isdisjoint({*ours, MigrationRecorder.Migration._meta.db_table})


def make() -> None:
    """In one transaction, together with the note that every migration has been applied.

    What a migration does to rows is of no concern here: there are none.
    """
    recorder, loader = MigrationRecorder(connection), MigrationLoader(None)
    with connection.schema_editor() as editor:
        editor.create_model(recorder.Migration)
        # As the migrations see the models: keys of tables between others get another type there.
        for model in loader.project_state().apps.get_models():
            if model._meta.can_migrate(connection):
                editor.create_model(model)
        for app, name in loader.disk_migrations:
            recorder.migration_qs.create(app=app, name=name)
