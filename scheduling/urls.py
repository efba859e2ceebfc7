from django.urls import include, path

from scheduling.views import automating, forecasts, schedules, triggers

of_an_orchestration = [
    path("schedules/new/", schedules.new, name="schedule-new"),
    path("schedules/missed/", schedules.make_up, name="schedule-missed"),
    path("trigger/", triggers.detail, name="event-trigger"),
    path("trigger/switch/", triggers.switch, name="event-trigger-switch"),
    path("trigger-inspector/", triggers.inspect, name="event-trigger-inspector"),
]
of_schedules = [
    path("", schedules.detail, name="schedule"),
    path("removal/", schedules.remove, name="schedule-removal"),
    path("switch/", schedules.switch, name="schedule-switch"),
    path("pause/", schedules.pause, name="schedule-pause"),
]
urlpatterns = [
    path(
        "projects/<int:project_id>/configurations/<int:configuration_id>/automate/",
        automating.automate,
        name="configuration-automate",
    ),
    path("projects/<int:project_id>/next-starts/", forecasts.next_starts, name="next-starts"),
    path("projects/<int:project_id>/orchestrations/<int:orchestration_id>/", include(of_an_orchestration)),
    path("projects/<int:project_id>/schedules/<int:schedule_id>/", include(of_schedules)),
]
