"""What jobs add to the Storage API."""

from jobs.api import events
from orchestrations.api.wire import route

urlpatterns = [route("events", events.events)]
