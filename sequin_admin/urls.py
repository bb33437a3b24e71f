"""URL configuration: pages, the gateway, the API, accounts, the staff admin."""

from django.contrib import admin
from django.urls import include, path
from django.views import defaults
from django.views.csrf import csrf_failure as page_too_old

from sequin_admin.dashboard.views import (
    account,
    invitations,
    person,
    sessions,
    sign_in_gate,
    sign_on,
)
from sequin_admin.dashboard.views.errors import server_error
from sequin_admin.gateway.errors import with_customers_page

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
    path("accounts/before-going-on/", sign_in_gate.sign_in_gate, name="sign_in_gate"),
    path("accounts/sessions/", sessions.list_sessions, name="usersessions_list"),
    path("accounts/sessions/<int:pk>/end/", sessions.end_session, name="session_end"),
    path("accounts/oidc/<str:provider_id>/login/", sign_on.begin, name="openid_connect_login"),
    path(
        "accounts/oidc/<str:provider_id>/login/callback/",
        sign_on.finish,
        name="openid_connect_callback",
    ),
    path("accounts/", include("allauth.urls")),
    path("staff/", admin.site.urls),
]

handler400 = with_customers_page("link/failed.html", defaults.bad_request)
handler403 = with_customers_page("link/failed.html", defaults.permission_denied)
handler404 = with_customers_page("link/nowhere.html", defaults.page_not_found)
# Called by allauth.
handler429 = "sequin_admin.dashboard.views.errors.too_many_requests"
handler500 = with_customers_page("link/failed.html", server_error)
csrf_failure = with_customers_page("link/too_old.html", page_too_old)
