from django.urls import include, path

from jobs.views import orchestrations, running

urlpatterns = [
    path(
        "projects/<int:project_id>/",
        include(
            [
                path("orchestrations/", orchestrations.overview, name="orchestrations"),
                path("orchestrations/<int:orchestration_id>/", orchestrations.detail, name="orchestration"),
                path("orchestrations/<int:orchestration_id>/run/", running.run, name="orchestration-run"),
                path(
                    "orchestrations/<int:orchestration_id>/switch/", orchestrations.switch, name="orchestration-switch"
                ),
            ]
        ),
    ),
]
