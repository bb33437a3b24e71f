"""URLs without a login: connect links, authorization requests, callbacks, installs, badges."""

from django.urls import path

from sequin_admin.gateway import (
    authorization_requests,
    badges,
    calendar,
    connect,
    install,
    security_txt,
    views,
)

app_name = "gateway"
urlpatterns = [
    path(".well-known/security.txt", security_txt.security_txt, name="security_txt"),
    path("badge/<str:token>.svg", badges.sync_badge, name="sync_badge"),
    path("calendar/<str:token>.ics", calendar.calendar, name="calendar"),
    path("link/connect/<str:token>", connect.enter, name="enter"),
    path("link/logo/<uuid:organization>.png", connect.logo, name="logo"),
    path("link/style/<uuid:organization>.css", connect.style, name="style"),
    path("link/<uuid:pk>/", connect.choose, name="link"),
    path("link/<uuid:pk>/thanks/", connect.thanks, name="thanks"),
    path("link/<uuid:pk>/<slug:kind>/", connect.connect, name="connect"),
    path("link/oauth2/start/<str:token>", authorization_requests.start, name="start"),
    path("link/oauth2/callback/<slug:provider>", views.callback, name="callback"),
    path("link/oauth2/token", authorization_requests.token, name="token"),
    path("link/<slug:provider>/install/<uuid:pk>", install.install, name="install"),
]
