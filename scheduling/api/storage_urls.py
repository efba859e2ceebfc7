"""What schedules add to the Storage API."""

from orchestrations.api.wire import route
from scheduling.api import triggers

urlpatterns = [
    route("triggers", triggers.triggers),
    route("triggers/<trigger_id>", triggers.trigger),
]
