"""What people sign in with, and what allauth and Django keep about it: to look at."""

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.socialaccount.admin import SocialAccountAdmin
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group

from sequin_admin.core.admin import ReadOnlyAdmin

# Their own admin pages write rows without a trace; those of second factors and of login sessions
# show secrets.
for model in (
    *(Authenticator, EmailAddress, Group, UserSession),
    *(SocialAccount, SocialApp, SocialToken),
):
    admin.site.unregister(model)
# One section, in our words.
for label in ("account", "auth", "mfa", "socialaccount", "usersessions"):
    apps.get_app_config(label).verbose_name = "Sign-in"
for model, name in (
    (Authenticator, "second factor"),
    (SocialAccount, "sign-on account"),
    (UserSession, "login session"),
):
    model._meta.verbose_name, model._meta.verbose_name_plural = name, f"{name}s"


@admin.register(UserSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    """Login sessions, without what opens them."""

    list_display = UserSessionAdmin.list_display
    list_select_related = ("user",)
    search_fields = UserSessionAdmin.search_fields
    exclude = ("session_key", "data")


@admin.register(SocialAccount)
class SignOnAccountAdmin(ReadOnlyAdmin):
    """Which accounts sign on through which OpenID provider."""

    list_display = (*SocialAccountAdmin.list_display, "last_login")
    list_filter = ("provider",)
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(Authenticator)
class SecondFactorAdmin(ReadOnlyAdmin):
    """Removed by the verb of an account."""

    list_display = AuthenticatorAdmin.list_display
    list_filter = AuthenticatorAdmin.list_filter
    exclude = ("data",)


@admin.register(EmailAddress)
class ConfirmedAddressAdmin(ReadOnlyAdmin):
    """An address is confirmed by a mail to it, and by nobody here."""

    list_display = EmailAddressAdmin.list_display
    list_filter = EmailAddressAdmin.list_filter
    search_fields = ("email",)
    list_select_related = ("user",)


@admin.register(Group)
class StaffGroupAdmin(ReadOnlyAdmin):
    """Groups from before. Permissions are given to accounts, by the verb of an account."""

    search_fields = GroupAdmin.search_fields
