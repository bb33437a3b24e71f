"""The forms of allauth, with labels in our words."""

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.mfa.base import forms as second_factor
from allauth.mfa.totp.forms import ActivateTOTPForm

NEW_PASSWORD = {"password1": "New password", "password2": "New password, again"}
CODE = {"code": "Six-digit code, or a recovery code"}


class Reworded:
    """Gives fields the labels in `labels`; a mixin before a form's class."""

    labels: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels.items():
            self.fields[name].label = label  # type: ignore[attr-defined]
            self.fields[name].widget.attrs.pop("placeholder", None)  # type: ignore[attr-defined]


class LoginForm(Reworded, account.LoginForm):  # type: ignore[misc]
    """The password, the first factor."""

    labels: ClassVar = {"remember": "Stay signed in on this device"}


class ChangePasswordForm(Reworded, account.ChangePasswordForm):  # type: ignore[misc]
    """For those who know their password."""

    labels: ClassVar = {"oldpassword": "Current password", **NEW_PASSWORD}


class ResetPasswordKeyForm(Reworded, account.ResetPasswordKeyForm):  # type: ignore[misc]
    """For those who followed the link of a mail."""

    labels: ClassVar = NEW_PASSWORD


class AuthenticateForm(Reworded, second_factor.AuthenticateForm):  # type: ignore[misc]
    """The second factor at sign-in."""

    labels: ClassVar = CODE


class ReauthenticateForm(Reworded, second_factor.ReauthenticateForm):  # type: ignore[misc]
    """The second factor, asked for once more."""

    labels: ClassVar = CODE


class ActivateAppForm(Reworded, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    labels: ClassVar = {"code": "Six-digit code"}
