"""The pages."""

from django.urls import path

from sequin_admin.dashboard.views import (
    api_keys,
    audit,
    badges,
    connect,
    connect_links,
    credential_actions,
    credential_list,
    credentials,
    docs,
    limits,
    members,
    oauth_apps,
    organizations,
    overview,
)

credential = "credentials/<uuid:pk>"
oauth_app = "oauth-apps/<uuid:pk>"

app_name = "dashboard"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("credentials/", credential_list.index, name="credentials"),
    path("credentials/new/", credentials.providers, name="providers"),
    path("credentials/new/<slug:kind>/", credentials.add, name="add"),
    path("credentials/connect/<slug:kind>/", connect.connect, name="connect"),
    path(f"{credential}/", credentials.detail, name="credential"),
    path(f"{credential}/edit/", credentials.edit, name="credential_edit"),
    path(f"{credential}/limit/", limits.limit, name="limit"),
    path(f"{credential}/verify/", credential_actions.verify, name="verify"),
    path(f"{credential}/reconnect/", credential_actions.reconnect, name="reconnect"),
    path(f"{credential}/replace/", credential_actions.replace_account, name="replace_account"),
    path(f"{credential}/disable/", credential_actions.disable, name="disable"),
    path(f"{credential}/enable/", credential_actions.enable, name="enable"),
    path(f"{credential}/delete/", credential_actions.delete, name="credential_delete"),
    path(f"{credential}/reveal/", credential_actions.reveal, name="reveal"),
    path("badges/", badges.badges, name="badges"),
    path("connect/<uuid:pk>/failed/", connect.failed, name="connect_failed"),
    path(f"{credential}/reconnect-link/", connect_links.for_credential, name="reconnect_link"),
    path("connect-links/", connect_links.index, name="connect_links"),
    path("connect-links/csv/", connect_links.as_csv, name="connect_links_csv"),
    path("connect-links/bulk/", connect_links.bulk, name="connect_links_bulk"),
    path("connect-links/new/<slug:provider>/", connect_links.new, name="connect_link_new"),
    path("connect-links/<uuid:pk>/", connect_links.detail, name="connect_link"),
    path("connect-links/<uuid:pk>/revoke/", connect_links.revoke, name="connect_link_revoke"),
    path("oauth-apps/", oauth_apps.index, name="oauth_apps"),
    path("oauth-apps/new/", oauth_apps.picker, name="oauth_app_picker"),
    path("oauth-apps/new/<slug:provider>/", oauth_apps.add, name="oauth_app_add"),
    path(f"{oauth_app}/", oauth_apps.detail, name="oauth_app"),
    path(f"{oauth_app}/edit/", oauth_apps.edit, name="oauth_app_edit"),
    path(f"{oauth_app}/delete/", oauth_apps.delete, name="oauth_app_delete"),
    path("audit/", audit.index, name="audit"),
    path("docs/kinds/", docs.kinds_page, name="kinds"),
    path("organization/", organizations.edit, name="organization"),
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
