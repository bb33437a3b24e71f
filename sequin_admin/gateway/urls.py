"""Where providers send people back to, and what machines ask about us."""

from django.urls import path

from sequin_admin.gateway import status, views

app_name = "gateway"
urlpatterns = [
    path("link/oauth2/callback/<slug:provider>", views.callback, name="callback"),
    path("healthz", status.healthz, name="healthz"),
    path("readyz", status.readyz, name="readyz"),
    path("metrics", status.metrics, name="metrics"),
]
