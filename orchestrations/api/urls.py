"""Storage, but for what needs jobs. Everything of a component is also there per branch."""

from orchestrations.api import buckets, components, configurations, grants, metadata, tables, tokens
from orchestrations.api.wire import route

_CONFIGURATION = "components/<component_id>/configs/<configuration_id>"
_OF_COMPONENTS = [
    ("components", components.components),
    ("components/<component_id>", components.component),
    ("components/<component_id>/configs", configurations.configurations),
    (_CONFIGURATION, configurations.configuration),
    (f"{_CONFIGURATION}/token", grants.of_orchestration),
    (f"{_CONFIGURATION}/state", configurations.state),
    (f"{_CONFIGURATION}/metadata", metadata.of_configuration),
    (f"{_CONFIGURATION}/metadata/<metadata_id>", metadata.entry),
    (f"{_CONFIGURATION}/restore", configurations.restored),
    (f"{_CONFIGURATION}/copy", configurations.copies),
    (f"{_CONFIGURATION}/versions", configurations.versions),
    (f"{_CONFIGURATION}/versions/<version>", configurations.version),
    (f"{_CONFIGURATION}/versions/<version>/rollback", configurations.rollback),
    (f"{_CONFIGURATION}/versions/<version>/create", configurations.copies_of_version),
    ("search/component-configurations", metadata.search),
]

urlpatterns = [
    route("", tokens.index),
    route("tokens/verify", tokens.verify),
    route("tokens", grants.tokens),
    route("tokens/<token_id>", grants.token),
    route("tokens/<token_id>/refresh", grants.refreshed),
    route("tokens/<token_id>/events", grants.events),
    route("shared-buckets", buckets.shared),
    route("buckets", buckets.of_project),
    route("buckets/<bucket_id>", buckets.bucket),
    route("buckets/<bucket_id>/tables", buckets.tables),
    route("buckets/<bucket_id>/share", buckets.share),
    route("buckets/<bucket_id>/share-organization", buckets.share_with_all),
    route("buckets/<bucket_id>/share-organization-project", buckets.share_with_all),
    route("buckets/<bucket_id>/share-to-projects", buckets.share_with_some),
    route("tables", tables.of_project),
    route("tables/<table_id>", tables.table),
    route("tables/<table_id>/data-preview", tables.preview),
    route("dev-branches", tokens.branches),
    route("dev-branches/<branch_id>", tokens.branch),
    *[route(path, view) for path, view in _OF_COMPONENTS],
    *[route(f"branch/<branch_id>/{path}", view) for path, view in _OF_COMPONENTS],
]
