"""Labels in our words for the forms of allauth, whose pages are ours."""

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordKeyForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm

NEW_PASSWORD = {"password1": "New password", "password2": "New password, again"}
LABELS = {
    LoginForm: {"remember": "Stay signed in on this device"},
    ChangePasswordForm: {"oldpassword": "Current password", **NEW_PASSWORD},
    ResetPasswordKeyForm: NEW_PASSWORD,
    AuthenticateForm: {"code": "Six-digit code, or a recovery code"},
    ActivateTOTPForm: {"code": "Six-digit code"},
}


def reword_forms() -> None:
    """Set the labels on the declared fields, which each form copies."""
    for form, labels in LABELS.items():
        for name, label in labels.items():
            form.base_fields[name].label = label
            form.base_fields[name].widget.attrs.pop("placeholder", None)
