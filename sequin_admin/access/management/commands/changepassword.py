"""`manage.py changepassword`: Django's, with an audit event."""

from getpass import getuser
from typing import Any

from django.contrib.auth.management.commands import changepassword

from sequin_admin.access.models import User
from sequin_admin.audit.models import record_change


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        answer = super().handle(*args, **options)
        username = options["username"] or getuser()
        user = User.objects.get_by_natural_key(username)
        record_change(user, "user.password_changed", None)
        return answer
