"""URL configuration: pages, the gateway, the API, accounts, the staff admin."""

from django.contrib import admin
from django.urls import include, path

from sequin_admin.dashboard.views import account, invitations, person

urlpatterns = [
    path("", include("sequin_admin.dashboard.urls")),
    path("", include("sequin_admin.gateway.urls")),
    path("v1/", include("sequin_admin.api.urls")),
    path("accounts/email/", account.email, name="account_email"),
    path("accounts/keyboard/", account.keyboard, name="account_keyboard"),
    path("accounts/time-zone/", account.time_zone, name="account_time_zone"),
    path("accounts/data/", person.data, name="account_data"),
    path("accounts/data/download/", person.download, name="account_download"),
    path("accounts/invitation/", invitations.accept, name="invitation"),
    path("accounts/invitation/<str:token>/", invitations.open_invitation, name="invitation_open"),
    path("accounts/", include("allauth.urls")),
    path("staff/", admin.site.urls),
]

# Called by allauth.
handler429 = "sequin_admin.dashboard.views.errors.too_many_requests"
handler500 = "sequin_admin.dashboard.views.errors.server_error"
