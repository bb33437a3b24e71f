"""The simulator's own pages. Calls of providers never get here: `dispatch` answers them."""

from django.urls import path

from sequin_admin.sandbox import views

urlpatterns = [
    path("", views.home, name="home"),
    path("developer/<slug:slug>/", views.developer, name="developer"),
    path("control/<slug:slug>/<str:external_id>/", views.panel, name="panel"),
    path("clock/", views.clock, name="clock"),
    path("control-api/reset", views.api_reset),
    path("control-api/clock", views.api_clock),
    path("control-api/<slug:slug>/app", views.api_app),
    path("control-api/<slug:slug>/app/change", views.api_change_app),
    path("control-api/<slug:slug>/accounts", views.api_accounts),
    path("control-api/<slug:slug>/accounts/<str:external_id>/<slug:action>", views.api_act),
    path("control-api/<slug:slug>/faults", views.api_fault),
    path("control-api/<slug:slug>/calls", views.api_calls),
]
