from django.contrib import admin
from django.urls import include, path, re_path

from jobs.api import blob
from orchestration_site import api_docs, pages, views

pages_of_orchestrations = [
    path("", pages.overview, name="orchestrations"),
    path("<int:orchestration_id>/", pages.orchestration, name="orchestration"),
    path("<int:orchestration_id>/run/", pages.run, name="orchestration-run"),
    path("<int:orchestration_id>/switch/", pages.switch, name="orchestration-switch"),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    re_path(r"^health/?\Z", views.health, name="health"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("api/openapi.json", api_docs.openapi_json, name="openapi"),
    re_path(r"^api/docs/?\Z", api_docs.docs, name="api-docs"),
    # The API, with or without a slash at the end of its root.
    re_path(r"^v2/storage(?:/|\Z)", include("scheduling.api.storage_urls")),
    re_path(r"^v2/storage(?:/|\Z)", include("jobs.api.storage_urls")),
    re_path(r"^v2/storage(?:/|\Z)", include("orchestrations.api.urls")),
    path("blob/<str:container>/<path:name>", blob.blob, name="blob"),
    path("queue/", include("jobs.api.urls")),
    path("scheduler/", include("scheduling.api.urls")),
    path("notification/", include("orchestrations.api.notification_urls")),
    path("projects/<int:project_id>/", pages.dashboard, name="dashboard"),
    path("projects/<int:project_id>/orchestrations/", include(pages_of_orchestrations)),
    path("projects/<int:project_id>/notifications/", pages.notifications, name="notifications"),
    path("projects/<int:project_id>/storage/tables/<str:table_id>/", pages.table, name="table"),
    path("", include("scheduling.urls")),
    path("", include("orchestrations.urls")),
    path("", include("jobs.urls")),
]
