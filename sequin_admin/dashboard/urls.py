"""The pages."""

from django.urls import path

from sequin_admin.dashboard.views import api_keys, members, organizations, overview

app_name = "dashboard"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("organizations/switch/", organizations.switch_organization, name="switch_organization"),
    path("members/", members.members, name="members"),
    path("members/add/", members.member_add, name="member_add"),
    path("members/<int:pk>/invite/", members.member_invite, name="member_invite"),
    path("members/<int:pk>/role/", members.member_role, name="member_role"),
    path("members/<int:pk>/remove/", members.member_remove, name="member_remove"),
    path("api-keys/", api_keys.api_keys, name="api_keys"),
    path("api-keys/new/", api_keys.api_key_add, name="api_key_add"),
    path("api-keys/<uuid:pk>/revoke/", api_keys.api_key_revoke, name="api_key_revoke"),
]
