"""Only pixels come through, and only of pictures."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageCms

from core.pictures import PictureSet, RejectedPictureError, picture_set
from tests.hostile_files import LOCATION, POLYGLOTS, REFUSED, SCRIPT, photo, picture, png_of


def made_of(upload: bytes, content_type: str = "image/jpeg") -> PictureSet:
    return picture_set(
        upload,
        content_type=content_type,
        max_pixels=50_000_000,
        thumbnail_widths=(160, 480, 960),
    )


def opened(body: bytes) -> Image.Image:
    return Image.open(BytesIO(body))


def test_photo_becomes_upright_without_its_metadata() -> None:
    made = made_of(photo())

    assert (made.full.width, made.full.height) == (320, 640)
    assert made.full.content_type == "image/jpeg"
    with opened(made.full.body) as full:
        assert (full.format, full.size) == ("JPEG", (320, 640))
        assert dict(full.getexif()) == {}
    for one in (made.full, *made.thumbnails.values()):
        assert LOCATION.encode() not in one.body
        assert SCRIPT not in one.body


def test_thumbnails_are_narrower_than_the_picture_and_as_tall_as_fits() -> None:
    made = made_of(picture(size=(640, 320)))

    sizes = {width: (one.width, one.height) for width, one in made.thumbnails.items()}
    assert sizes == {160: (160, 80), 480: (480, 240)}
    for width, one in made.thumbnails.items():
        with opened(one.body) as thumbnail:
            assert (thumbnail.format, thumbnail.width) == ("WEBP", width)
    assert (made.full.width, made.full.height) == (640, 320)


def test_very_wide_picture_has_a_thumbnail_of_one_row() -> None:
    made = made_of(picture(size=(4000, 1)))

    assert (made.thumbnails[160].width, made.thumbnails[160].height) == (160, 1)


def test_what_can_be_seen_through_stays_so() -> None:
    upload = BytesIO()
    Image.new("RGBA", (200, 200), (255, 0, 0, 0)).save(upload, "PNG")

    made = made_of(upload.getvalue(), "image/png")

    with opened(made.full.body) as full, opened(made.thumbnails[160].body) as thumbnail:
        assert (full.format, full.mode, full.getpixel((0, 0))) == ("PNG", "RGBA", (255, 0, 0, 0))
        assert thumbnail.mode == "RGBA"


@pytest.mark.parametrize(
    ("kind", "mode", "content_type", "written"),
    [
        ("JPEG", "CMYK", "image/jpeg", "JPEG"),
        ("JPEG", "L", "image/jpeg", "JPEG"),
        ("PNG", "1", "image/png", "PNG"),
        ("PNG", "I;16", "image/png", "PNG"),
        ("WEBP", "RGB", "image/webp", "WEBP"),
        ("GIF", "P", "image/gif", "PNG"),
    ],
)
def test_every_kind_becomes_colors_that_browsers_show(
    kind: str, mode: str, content_type: str, written: str
) -> None:
    made = made_of(picture(kind, mode=mode), content_type)

    with opened(made.full.body) as full:
        assert (full.format, full.mode) == (written, "RGB")
    assert made.full.content_type == f"image/{written.lower()}"


def test_profile_of_colors_is_used_and_left_out() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    made = made_of(picture(icc_profile=profile))

    with opened(made.full.body) as full:
        assert "icc_profile" not in full.info


def test_profile_that_is_none_is_left_aside() -> None:
    assert made_of(picture(icc_profile=SCRIPT)).full.width == 640


@pytest.mark.parametrize(("content_type", "make"), POLYGLOTS.values(), ids=POLYGLOTS)
def test_nothing_of_a_polyglot_survives_but_its_pixels(content_type: str, make: object) -> None:
    assert callable(make)
    upload = make()

    made = made_of(upload, content_type)

    assert SCRIPT in upload
    for one in (made.full, *made.thumbnails.values()):
        assert not any(part in one.body for part in (SCRIPT, b"<html>", b"PK\x03\x04"))


@pytest.mark.parametrize(("content_type", "make", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_picture_is_refused_with_the_reason(
    content_type: str, make: object, reason: str
) -> None:
    assert callable(make)

    with pytest.raises(RejectedPictureError, match=reason):
        made_of(make(), content_type)


def test_picture_of_just_the_allowed_pixels_is_taken_and_one_more_is_not() -> None:
    upload = png_of(1_000, 800)

    def limited(most: int) -> PictureSet:
        return picture_set(upload, content_type="image/png", max_pixels=most, thumbnail_widths=())

    assert limited(800_000).full.height == 800
    with pytest.raises(RejectedPictureError, match="at most 799999 are taken"):
        limited(799_999)
