from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from orchestrations.views import people

urlpatterns = [
    path("", people.home, name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", people.theme, name="theme"),
    # versions and trash
    # people and projects
]
