"""Which site the staff admin is."""

from django.contrib.admin.apps import AdminConfig


class StaffAdmin(AdminConfig):
    """Django's app for its admin, with our site."""

    default_site = "sequin_admin.core.staff_site.StaffSite"
