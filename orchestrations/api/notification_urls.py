"""The Notification API."""

from orchestrations.api import subscriptions
from orchestrations.api.wire import route

urlpatterns = [
    route("project-subscriptions", subscriptions.subscriptions),
    route("project-subscriptions/<subscription_id>", subscriptions.subscription),
]
