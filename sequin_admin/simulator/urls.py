"""The simulator's own pages. Calls to providers are answered by `dispatch` before."""

from django.urls import path

from sequin_admin.simulator import control_api, views

urlpatterns = [
    path("", views.home, name="home"),
    path("developer/<slug:slug>/", views.developer, name="developer"),
    path("control/<slug:slug>/<str:external_id>/", views.panel, name="panel"),
    path("control/<slug:slug>/<str:external_id>/rows", control_api.rows, name="rows"),
    path("control/<slug:slug>/<str:external_id>/heart", views.rows, name="heart"),
    path("control/<slug:slug>/<str:external_id>/webhooks", views.webhooks, name="webhooks"),
    path("clock/", views.clock, name="clock"),
    path("drills/", views.drills, name="drills"),
    path("control-api/state", control_api.state),
    path("control-api/reset", control_api.reset),
    path("control-api/clock", control_api.clock),
    path("control-api/drills", control_api.drills),
    path("control-api/drills/<int:drill_id>/end", control_api.stop_drill),
    path("control-api/<slug:slug>/app", control_api.app),
    path("control-api/<slug:slug>/app/change", control_api.change_app),
    path("control-api/<slug:slug>/app/add", control_api.add_developer_app),
    path("control-api/<slug:slug>/accounts", control_api.accounts),
    path("control-api/<slug:slug>/accounts/<str:external_id>/heart", control_api.heart),
    path("control-api/<slug:slug>/accounts/<str:external_id>/rows", control_api.row_count),
    path("control-api/<slug:slug>/accounts/<str:external_id>/webhooks", control_api.webhooks),
    path(
        "control-api/<slug:slug>/accounts/<str:external_id>/webhooks/<int:endpoint_id>/remove",
        control_api.stop_webhook,
    ),
    path("control-api/<slug:slug>/accounts/add", control_api.add),
    path("control-api/<slug:slug>/accounts/<str:external_id>/<slug:action>", control_api.act),
    path("control-api/<slug:slug>/faults", control_api.fault),
    path("control-api/<slug:slug>/calls", control_api.calls),
    path("control-api/<slug:slug>/chaos", control_api.chaos),
    path("control-api/<slug:slug>/populate", control_api.populate),
    path("control-api/<slug:slug>/grants", control_api.grants),
    path("control-api/<slug:slug>/alive", control_api.alive),
    path("control-api/<slug:slug>/journal/<str:external_id>", control_api.journal),
]
