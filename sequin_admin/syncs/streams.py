"""Operations on streams. All audited."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.syncs import rules
from sequin_admin.syncs.models import Stream


@transaction.atomic
def create(organization: Organization, *, actor: AnyActor, slug: str) -> Stream:
    """Create a stream. Raises `ValidationError` for an invalid or taken slug."""
    stream = Stream(organization=organization, slug=slug)
    save_stream(stream)
    record_change(stream, "stream.created", actor)
    return stream


@transaction.atomic
def rename(stream: Stream, *, actor: AnyActor, slug: str) -> None:
    """Change the slug only. Raises `ValidationError` as `create()` does."""
    before = stream.slug
    if slug == before:
        return
    stream.slug = slug
    save_stream(stream)
    record_change(stream, "stream.changed", actor, before=before)


def save_stream(stream: Stream) -> None:
    """Raises `ValidationError` for an invalid or taken slug."""
    rules.check_slug(stream.slug)
    try:
        with transaction.atomic():
            stream.save()
    except IntegrityError:
        message = f"There is a stream {stream.slug} already. Choose another slug, or use that one."
        raise ValidationError({"slug": message}) from None


@transaction.atomic
def delete(stream: Stream, *, actor: AnyActor) -> None:
    """Delete the stream. Raises `InUse` while syncs write to it."""
    refuse_if_used(stream)
    record_change(stream, "stream.deleted", actor)
    stream.delete()
