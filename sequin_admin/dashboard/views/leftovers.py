"""Keys and links of people who left or have a lesser role, for the owners, who can revoke them."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.connect.leftovers import list_leftovers, revoke_leftovers
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may


class PersonForm(forms.Form):
    """Whose leftovers are meant."""

    person = forms.IntegerField(min_value=1, max_value=2**31 - 1)


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
def leftovers(request: Request) -> HttpResponse:
    """List what still works, by person; a POST revokes all of one person."""
    if request.method == "GET":
        context = {"rows": list_leftovers(request.organization)}
        return render(request, "members/leftovers.html", context)
    form = PersonForm(request.POST)
    person = form.cleaned_data["person"] if form.is_valid() else 0
    count = revoke_leftovers(request.organization, person, actor=actor_of(request))
    if count:
        messages.success(
            request,
            f"{count:,} revoked. Whoever still uses {'it' if count == 1 else 'them'} is refused "
            "from now on.",
        )
    else:
        messages.warning(request, "Nothing of this person was left to revoke.")
    return redirect("dashboard:leftovers")
