"""The page on which owners say what their organization asks of a sign-in."""

from collections.abc import Callable

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sequin_admin.access.forms import clean_network_lines
from sequin_admin.access.models import Organization
from sequin_admin.access.policy import Action
from sequin_admin.access.sign_in_rules import ShutsOut, rules_of, save_rules
from sequin_admin.core.actors import actor_of, address_of
from sequin_admin.core.forms import set_choices
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.sign_in_gate import sign_in_of

# A year; less than five minutes would end sessions while somebody reads a page.
LONGEST_MINUTES, SHORTEST_MINUTES = 525_600, 5


class SignInRulesForm(forms.Form):
    """Rules of an organization for the people who work in it."""

    second_factor = forms.BooleanField(
        required=False,
        label="Ask for a second factor",
        help_text="Members without one set it up before they go on.",
    )
    provider = forms.ChoiceField(
        required=False,
        label="Members sign on through",
        help_text="Sign on through it yourself before you choose it.",
    )
    longest_minutes = forms.IntegerField(
        required=False,
        label="A session lasts at most (minutes)",
        min_value=SHORTEST_MINUTES,
        max_value=LONGEST_MINUTES,
        help_text="From the sign-in. Empty: two weeks, as on this server.",
    )
    idle_minutes = forms.IntegerField(
        required=False,
        label="It ends without activity after (minutes)",
        min_value=SHORTEST_MINUTES,
        max_value=LONGEST_MINUTES,
        help_text="A page that keeps itself up to date is no activity. Empty: it does not.",
    )
    networks = forms.CharField(
        required=False,
        label="The dashboard opens from",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "192.0.2.0/24"}),
    )

    def clean_networks(self) -> list[str]:
        return clean_network_lines(self.cleaned_data["networks"])


def build_form(request: Request) -> Callable[[Organization, QueryDict | None], SignInRulesForm]:
    def build(organization: Organization, data: QueryDict | None) -> SignInRulesForm:
        rules = rules_of(Organization.objects.get(pk=organization.pk))
        initial = {name: getattr(rules, name) for name in SignInRulesForm.base_fields}
        form = SignInRulesForm(data, initial=initial | {"networks": "\n".join(rules.networks)})
        providers = [(slug, each.name) for slug, each in settings.OIDC_PROVIDERS.items()]
        gone = [] if rules.provider in ("", *settings.OIDC_PROVIDERS) else [rules.provider]
        offered = [*providers, *((slug, f"{slug} (not on this server)") for slug in gone)]
        set_choices(form, "provider", [("", "Any way"), *offered])
        form.fields["networks"].help_text = (
            "Networks such as 192.0.2.0/24 or 2001:db8::/32, one in a line. Empty: from anywhere. "
            f"You come from {address_of(request) or 'an unknown address'}."
        )
        return form

    return build


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def edit_sign_in_rules(request: Request) -> HttpResponse:
    edit = Edit(request.organization, build_form(request), submitted_data(request))
    if request.method == "POST" and edit.form.is_valid() and save(request, edit):
        messages.success(request, "What a sign-in needs is saved. It holds from now on.")
        return redirect("dashboard:sign_in_rules")
    context = {"form": edit.form, "edit": edit}
    return render(request, "organization/sign_in_rules.html", context, status=edit.status)


def save(request: Request, edit: Edit) -> bool:
    """Whether it was saved; what would shut the person out stands at its field then."""
    values, sign_in = edit.form.cleaned_data, sign_in_of(request)
    try:
        return edit.save(lambda row: save_rules(row, values, sign_in, actor=actor_of(request)))
    except ShutsOut as error:
        for name, sentence in error.fields.items():
            edit.form.add_error(name, sentence)
        return False
