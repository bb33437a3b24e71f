"""The organization's name and logo, which customers see."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from sequin_admin.access.models import Logo, Organization
from sequin_admin.audit.models import Event
from tests.edit_forms import submit

PAGE = reverse("dashboard:organization")


def picture(*, side=600, form="PNG"):
    out = BytesIO()
    Image.new("RGB", (side, side), "purple").save(out, form)
    return SimpleUploadedFile(f"logo.{form.lower()}", out.getvalue())


def test_the_name_is_changed(client, owner):
    submit(client, PAGE, {"name": "House Atreides"})

    assert Organization.objects.get().name == "House Atreides"
    assert Event.objects.filter(action="organization.renamed").exists()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png(client, owner, form):
    submit(client, PAGE, {"name": "Arrakis", "logo": picture(form=form)})

    shown = client.get(reverse("gateway:logo", args=[Organization.objects.get().pk]))
    drawn = Image.open(BytesIO(shown.content))
    assert (drawn.format, drawn.size) == ("PNG", (256, 256))
    assert shown["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg onload='alert(1)'/>",
        b"",
        b"\x89PNG\r\n\x1a\nbroken",
        b"GIF89a" + b"\xff" * 20,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\xff\xff" * 2 + b"\x08\x02\0\0\0",
    ],
    ids=["svg", "empty", "broken png", "gif", "bomb of pixels"],
)
def test_what_is_no_picture_is_refused_with_a_sentence(client, owner, content):
    page = submit(
        client, PAGE, {"name": "Arrakis", "logo": SimpleUploadedFile("logo.png", content)}
    )

    assert page.status_code == 422
    assert not Logo.objects.exists()


def test_a_picture_that_unpacks_into_millions_of_pixels_is_refused(client, owner):
    page = submit(client, PAGE, {"name": "Arrakis", "logo": picture(side=4600)})

    assert "20 million pixels" in page.content.decode()


def test_a_logo_is_removed(client, owner):
    submit(client, PAGE, {"name": "Arrakis", "logo": picture()})
    submit(client, PAGE, {"name": "Arrakis", "remove_logo": "on"})

    assert not Logo.objects.exists()


def test_members_do_not_change_the_organization(client, viewer):
    client.force_login(viewer)

    assert client.post(PAGE, {"name": "Mine"}).status_code == 403
