"""Mailing a connect link to its contact, and the links of a batch to theirs."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sequin_admin.access.branding import get_branding
from sequin_admin.access.policy import Action
from sequin_admin.connect import batches, mails
from sequin_admin.connect.models import ConnectLink, LinkMail, MailPurpose
from sequin_admin.core.actors import actor_of
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.views.batches import get_owned_or_404
from sequin_admin.dashboard.views.mail_forms import (
    SendForm,
    add_errors,
    example_values,
    language_of,
    shown,
)

PAGE = "dashboard:connect_link"


@never_cache
@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def send_link(request: Request, pk: UUID) -> HttpResponse:
    """Look at the mail, change it, send it. Sent again by a second click it was sent once."""
    rows = ConnectLink.objects.of(request.organization).select_related("organization", "reconnects")
    link = get_object_or_404(rows, pk=pk)
    [mail] = parse_uuids([request.POST.get("mail", "")]) or [uuid4()]
    if LinkMail.objects.of(request.organization).filter(pk=mail).exists():
        return redirect(PAGE, pk=pk)
    sent = link.mails.exclude(purpose=MailPurpose.REMINDER).count()
    refusal = mails.refusal(link, sent)
    usual = get_branding(request.organization).language
    language = language_of(
        link, request.POST.get("language") or request.GET.get("language", ""), usual
    )
    text = mails.get_text(request.organization, mails.purpose_of(link), language)
    allowance = mails.get_allowance(request.organization)
    form = SendForm.of(text, allowance.remind_hours, request.POST or None)
    wants = request.method == "POST" and "preview" not in request.POST
    if wants and not refusal and form.is_valid() and send_now(request, link, form, language, mail):
        return redirect(PAGE, pk=pk)
    context = {
        "link": link,
        "form": form,
        "mail": mail,
        "refusal": refusal,
        "sent": sent,
        "language": language,
        "languages": LANGUAGES,
        "preview": shown(form, text, mails.values_for(link, language)),
        "left": allowance.left,
        "most": allowance.most,
    }
    status = 422 if form.errors or (wants and refusal) else 200
    return render(request, "connect_links/send.html", context, status=status)


def send_now(
    request: Request, link: ConnectLink, form: SendForm, language: str, mail: UUID
) -> bool:
    try:
        sent = mails.send_link(
            link,
            actor=actor_of(request),
            written=form.written,
            language=language,
            remind_hours=form.hours,
            pk=mail,
        )
    except mails.BadMail as error:
        add_errors(form, error)
        return False
    messages.success(request, f"The mail to {sent.to} is on its way. Its tries are shown here.")
    return True


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def send_batch(request: Request, pk: UUID) -> HttpResponse:
    """Mail the links of a batch that have a contact and were not mailed yet."""
    batch = get_owned_or_404(request, pk)
    counts = batches.count_mails(batch)
    usual = get_branding(request.organization).language
    language = batch.options.get("language") or usual
    text = mails.get_text(request.organization, MailPurpose.RECONNECT, language)
    allowance = mails.get_allowance(request.organization)
    form = SendForm.of(text, allowance.remind_hours, request.POST or None)
    wants = request.method == "POST" and "preview" not in request.POST
    if wants and form.is_valid():
        written = form.written
        own = text.subject != written.subject or text.text != written.text
        mail = {
            "subject": written.subject if own else "",
            "text": written.text if own else "",
            "remind_hours": form.hours,
        }
        if batches.request_mails(batch, mail=mail, actor=actor_of(request)):
            messages.success(request, "The mails are being sent. This page says how far it is.")
        else:
            messages.warning(request, "Nothing was sent: the batch is at work or was withdrawn.")
        return redirect("dashboard:batch", pk=pk)
    values = example_values(request.organization, language)
    context = {
        "batch": batch,
        **counts,
        "form": form,
        "left": allowance.left,
        "most": allowance.most,
        "now": min(allowance.left, counts["unsent"]),
        "later": max(counts["unsent"] - allowance.left, 0),
        "language": LANGUAGES[language],
        "preview": shown(form, text, values),
    }
    return render(request, "batches/send.html", context, status=422 if form.errors else 200)
