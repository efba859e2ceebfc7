from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.decorators.http import require_http_methods, require_POST

from orchestrations.views import (
    invitations,
    memberships,
    passwords,
    people,
    profiles,
    projects,
    tokens,
    trash,
    versions,
)

with_form = require_http_methods(["GET", "HEAD", "POST"])
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
    # Django's own takes every method, and a PUT for a POST.
    path("login/", with_form(LoginView.as_view(redirect_authenticated_user=True)), name="login"),
    path("logout/", require_POST(LogoutView.as_view()), name="logout"),
    path("password/", passwords.forgotten, name="password-forgotten"),
    path("password/<uidb64>/<token>/", with_form(passwords.NewPassword.as_view()), name="password-new"),
    path("theme/", people.theme, name="theme"),
    # versions and trash
    path("projects/<int:project_id>/trash/", trash.trash_list, name="trash"),
    path("projects/<int:project_id>/configurations/<int:configuration_id>/", include(of_a_configuration)),
    # tokens
    path("projects/<int:project_id>/tokens/", tokens.token_list, name="tokens"),
    path("projects/<int:project_id>/tokens/new/", tokens.new, name="token-new"),
    path("projects/<int:project_id>/tokens/<int:token_id>/", tokens.detail, name="token"),
    path("projects/<int:project_id>/tokens/<int:token_id>/refresh/", tokens.refresh, name="token-refresh"),
    path("projects/<int:project_id>/tokens/<int:token_id>/deletion/", tokens.delete, name="token-delete"),
    path(
        "projects/<int:project_id>/orchestrations/<int:orchestration_id>/token/",
        tokens.replace_own,
        name="orchestration-token",
    ),
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
