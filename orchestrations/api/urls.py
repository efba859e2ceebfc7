"""Storage, as far as configurations and tokens go. Everything of a component is also there per branch."""

from orchestrations.api import components, configurations, tokens
from orchestrations.api.wire import route

_CONFIGURATION = "components/<component_id>/configs/<configuration_id>"
_OF_COMPONENTS = [
    ("components", components.components),
    ("components/<component_id>", components.component),
    ("components/<component_id>/configs", configurations.configurations),
    (_CONFIGURATION, configurations.configuration),
    (f"{_CONFIGURATION}/state", configurations.state),
    (f"{_CONFIGURATION}/restore", configurations.restored),
    (f"{_CONFIGURATION}/copy", configurations.copies),
    (f"{_CONFIGURATION}/versions", configurations.versions),
    (f"{_CONFIGURATION}/versions/<version>", configurations.version),
    (f"{_CONFIGURATION}/versions/<version>/rollback", configurations.rollback),
    (f"{_CONFIGURATION}/versions/<version>/create", configurations.copies),
]

urlpatterns = [
    route("", tokens.index),
    route("tokens/verify", tokens.verify),
    route("dev-branches", tokens.branches),
    route("dev-branches/<branch_id>", tokens.branch),
    *[route(path, view) for path, view in _OF_COMPONENTS],
    *[route(f"branch/<branch_id>/{path}", view) for path, view in _OF_COMPONENTS],
]
