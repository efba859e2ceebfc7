from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from orchestrations.views import invitations, memberships, people, profiles, projects

urlpatterns = [
    path("", people.home, name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", people.theme, name="theme"),
    # versions and trash
    # people and projects
    path("profile/", profiles.profile, name="profile"),
    path("time-zone/", profiles.time_zone, name="time-zone"),
    path("invitation/<int:user_id>/<str:secret>/", invitations.accept, name="invitation"),
    path("projects/new/", projects.new, name="project-new"),
    path("projects/<int:project_id>/settings/", projects.settings, name="project-settings"),
    path("projects/<int:project_id>/members/", memberships.member_list, name="members"),
    path("projects/<int:project_id>/members/new/", memberships.new, name="member-new"),
    path("projects/<int:project_id>/members/<int:membership_id>/", memberships.detail, name="member"),
    path("projects/<int:project_id>/members/<int:membership_id>/removal/", memberships.removal, name="member-removal"),
    path(
        "projects/<int:project_id>/members/<int:membership_id>/invitation/", memberships.renewal, name="member-renewal"
    ),
]
