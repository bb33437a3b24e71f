"""What customers read, in their language."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from sequin_admin.core.languages import format_local_time
from sequin_admin.core.languages.sentences import translate

register = template.Library()


@register.simple_block_tag
def say(content: str, **values: object) -> SafeString:
    """A sentence with `{placeholders}`, translated: `{% say name=name %}For {name}{% endsay %}`.

    The values are escaped; the sentence is ours. White space counts as one space.
    """
    said = gettext(" ".join(content.split()))
    return format_html(said, **values) if values else mark_safe(said)  # noqa: S308 - ours


@register.filter
def translated(text: object) -> str:
    """A sentence of the domain in the active language. Not safe: it is escaped as any other."""
    return translate(str(text))


@register.filter
def local_time(at: datetime) -> str:
    """The date and time in the active language, in UTC."""
    return format_local_time(at)
