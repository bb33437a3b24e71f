"""`branding`: what customers see of the organization, and the texts of mails to them."""

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.links import text_of
from sequin_admin.command_line.session import AsJson, api_of

app = typer.Typer(no_args_is_help=True, help="What customers see of your organization.")
SHOWN = ("purpose", "language", "is_ours", "subject")
Purpose = Annotated[str, typer.Argument(help="connect, reconnect or reminder.")]
LanguageCode = Annotated[str, typer.Argument(help="en, de, fr, es or ja.")]
Colour = Annotated[str | None, typer.Option(help="#rrggbb; empty for ours.")]


@app.command("get")
def get_branding(context: typer.Context, json: AsJson = False) -> None:
    """Show colours, support, privacy policy and language."""
    with api_of(context) as api:
        show(api.get("organization/branding"), json)


@app.command("set")
def set_branding(
    context: typer.Context,
    accent: Colour = None,
    accent_dark: Colour = None,
    ground: Colour = None,
    ground_dark: Colour = None,
    support: Annotated[str | None, typer.Option(help="A mail address or https address.")] = None,
    privacy_url: Annotated[str | None, typer.Option(help="An https address.")] = None,
    language: Annotated[str | None, typer.Option(help="Of mails: en, de, fr, es or ja.")] = None,
    logo: Annotated[Path | None, typer.Option(help="A PNG, JPEG or WebP of up to 2 MB.")] = None,
    no_logo: Annotated[bool, typer.Option("--no-logo", help="Remove the logo.")] = False,
    json: AsJson = False,
) -> None:
    """Change it. What is left out stays as it is; colours that can't be read are refused."""
    asked: dict[str, Any] = {
        "accent": accent,
        "accent_dark": accent_dark,
        "ground": ground,
        "ground_dark": ground_dark,
        "support": support,
        "privacy_url": privacy_url,
        "language": language,
        "logo": "" if no_logo else picture_of(logo),
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes:
        raise Misused("Say what to change: --accent, --support, --logo and so on.")
    with api_of(context) as api:
        show(api.patch("organization/branding", changes), json)


@app.command("mails")
def list_templates(context: typer.Context, json: AsJson = False) -> None:
    """List the texts of mails with a connect link."""
    with api_of(context) as api:
        found = api.get("mail-templates")
    if json:
        output.as_json(found)
    else:
        output.show(found["data"], SHOWN, empty="There are none.")


@app.command("set-mail")
def set_template(
    context: typer.Context,
    purpose: Purpose,
    language: LanguageCode,
    subject: Annotated[str, typer.Option(help="One line.")],
    text_file: Annotated[Path, typer.Option(help="A file with the text, {link} once in it.")],
    json: AsJson = False,
) -> None:
    """Replace our text by one of yours."""
    body = {"subject": subject, "text": text_of(text_file)}
    with api_of(context) as api:
        show(api.put(f"mail-templates/{purpose}/{language}", body), json)


@app.command("reset-mail")
def reset_template(context: typer.Context, purpose: Purpose, language: LanguageCode) -> None:
    """Use our text again."""
    with api_of(context) as api:
        api.delete(f"mail-templates/{purpose}/{language}")


@app.command("limit-mails")
def limit_mails(
    context: typer.Context,
    a_day: Annotated[
        int | None, typer.Option(min=0, help="At most; the installation's if left out.")
    ] = None,
    remind: Annotated[int, typer.Option(min=0, help="Hours before a link ends; 0 for never.")] = 24,
    json: AsJson = False,
) -> None:
    """Set how many mails with a link are sent on a day, and when contacts are reminded."""
    body = {"most_a_day": a_day, "remind_hours": remind}
    with api_of(context) as api:
        show(api.put("organization/mail-settings", body), json)


def show(found: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(found)
    else:
        output.facts({name: str(value) for name, value in found.items() if value not in ("", None)})


def picture_of(file: Path | None) -> str | None:
    """Raises `Misused`."""
    try:
        return base64.b64encode(file.read_bytes()).decode() if file else None
    except OSError:
        raise Misused(f"{file} can't be read.") from None
