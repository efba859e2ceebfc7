"""The Scheduler API."""

from orchestrations.api.wire import route
from scheduling.api import schedules

urlpatterns = [
    route("schedules", schedules.schedules),
    route("schedules/<schedule_id>", schedules.schedule),
    route("configurations/<configuration_id>", schedules.declaration),
]
