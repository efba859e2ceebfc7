from django.contrib import admin
from django.urls import include, path, re_path

from orchestration_site import views

urlpatterns = [
    path("admin/", admin.site.urls),
    re_path(r"^health/?\Z", views.health, name="health"),
    path("styleguide/", views.styleguide, name="styleguide"),
    # The API, with or without a slash at the end of its root.
    re_path(r"^v2/storage(?:/|\Z)", include("jobs.api.storage_urls")),
    re_path(r"^v2/storage(?:/|\Z)", include("orchestrations.api.urls")),
    path("queue/", include("jobs.api.urls")),
    path("", include("orchestrations.urls")),
    path("", include("jobs.urls")),
]
