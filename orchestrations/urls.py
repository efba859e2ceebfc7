from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from orchestrations.views import invitations, memberships, people, profiles, projects, trash, versions

of_a_configuration = [
    path("versions/", versions.version_list, name="versions"),
    path("versions/compare/", versions.compare, name="version-compare"),
    path("versions/<int:version>/restoration/", versions.restore, name="version-restore"),
    path("copy/", versions.copy, name="configuration-copy"),
    path("trashing/", trash.trash, name="configuration-trash"),
    path("restoration/", trash.restore, name="configuration-restore"),
    path("purge/", trash.purge, name="configuration-purge"),
]
urlpatterns = [
    path("", people.home, name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", people.theme, name="theme"),
    # versions and trash
    path("projects/<int:project_id>/trash/", trash.trash_list, name="trash"),
    path("projects/<int:project_id>/configurations/<int:configuration_id>/", include(of_a_configuration)),
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
