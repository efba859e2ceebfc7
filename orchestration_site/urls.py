from django.contrib import admin
from django.urls import include, path

from orchestration_site import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("", include("orchestrations.urls")),
    path("", include("jobs.urls")),
]
