"""Where providers send people back to."""

from django.urls import path

from sequin_admin.gateway import views

app_name = "gateway"
urlpatterns = [
    path("link/oauth2/callback/<slug:provider>", views.callback, name="callback"),
]
