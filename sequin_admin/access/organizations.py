"""Changes an organization's name and its logo, which customers see."""

from io import BytesIO
from typing import IO

from django.db import transaction

from sequin_admin.access.models import Logo, Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor

LOGO_SIDE = 256
MOST_PIXELS = 20_000_000
MOST_BYTES = 2_000_000
FORMATS = ("PNG", "JPEG", "WEBP")


class BadPicture(ValueError):
    """The file can't be used as a logo. `str()` says what to do."""


def lock_organization(organization: Organization) -> None:
    """Whoever else changes what belongs to the organization alone waits for this transaction."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


@transaction.atomic
def rename(organization: Organization, name: str, *, actor: AnyActor) -> None:
    if name == organization.name:
        return
    before, organization.name = organization.name, name
    organization.save(update_fields=["name"])
    record_change(organization, "organization.renamed", actor, before=before, after=name)


@transaction.atomic
def set_logo(organization: Organization, png: bytes, *, actor: AnyActor) -> None:
    """Store `png`, which `normalize_logo()` has made."""
    Logo.objects.update_or_create(
        organization=organization, defaults={"png": png, "changed_at": clock.now()}
    )
    record_change(organization, "organization.logo_changed", actor)


@transaction.atomic
def remove_logo(organization: Organization, *, actor: AnyActor) -> None:
    if Logo.objects.filter(organization=organization).delete()[0]:
        record_change(organization, "organization.logo_removed", actor)


def normalize_logo(file: IO[bytes], size: int) -> bytes:
    """An uploaded picture, re-encoded as a small PNG without its metadata. Raises `BadPicture`."""
    # Not needed by a process until somebody changes a logo.
    from PIL import Image, UnidentifiedImageError

    # For broken files and decompression bombs.
    unreadable = (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError)
    if size > MOST_BYTES:
        raise BadPicture("The file is larger than 2 MB. Choose a smaller one.")
    try:
        picture = Image.open(file, formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            raise BadPicture("The picture has more than 20 million pixels. Choose a smaller one.")
        drawn = picture.convert("RGBA")
    except BadPicture:
        raise
    except (*unreadable, SyntaxError):
        raise BadPicture("This is no picture we can read. Choose a PNG, JPEG or WebP.") from None
    drawn.thumbnail((LOGO_SIDE, LOGO_SIDE))
    out = BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()
