"""URL configuration: pages, the gateway, the API, accounts, the staff admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("sequin_admin.dashboard.urls")),
    path("", include("sequin_admin.gateway.urls")),
    path("v1/", include("sequin_admin.api.urls")),
    path("accounts/", include("allauth.urls")),
    path("staff/", admin.site.urls),
]

handler500 = "sequin_admin.dashboard.views.errors.server_error"
