"""Buckets, tables, who uses them, and metadata: shown, and changed by their verbs alone."""

from __future__ import annotations

from django.contrib import admin

from orchestrations.lib.admin import ReadOnlyAdmin
from orchestrations.models import Bucket, BucketShare, ConfigurationMetadata, Table, TableFolder, TableUse


@admin.register(Bucket)
class BucketAdmin(ReadOnlyAdmin):
    list_display = ("bucket_id", "project", "source", "is_shared_with_all", "created_at")
    list_filter = ("stage", "is_shared_with_all")
    list_select_related = ("project", "source")
    search_fields = ("name",)


@admin.register(BucketShare)
class BucketShareAdmin(ReadOnlyAdmin):
    list_display = ("bucket", "project", "created_at")
    list_select_related = ("bucket", "project")
    search_fields = ("bucket__name",)


@admin.register(Table)
class TableAdmin(ReadOnlyAdmin):
    list_display = ("table_id", "rows", "size_bytes", "revision", "updated_at")
    list_select_related = ("bucket",)
    search_fields = ("name", "bucket__name")
    # People see the data of projects in which they have a role.
    exclude = ("preview",)


@admin.register(TableFolder)
class TableFolderAdmin(ReadOnlyAdmin):
    list_display = ("location", "removable_at")
    search_fields = ("location",)


@admin.register(TableUse)
class TableUseAdmin(ReadOnlyAdmin):
    list_display = ("configuration", "kind", "table_id")
    list_select_related = ("configuration",)
    search_fields = ("=table_id",)


@admin.register(ConfigurationMetadata)
class ConfigurationMetadataAdmin(ReadOnlyAdmin):
    list_display = ("configuration", "key", "updated_at")
    list_select_related = ("configuration",)
    search_fields = ("=key",)
