"""What somebody uploads as a picture becomes one: decoded, checked, and written anew from pixels.

Nothing of the upload survives but its pixels: no metadata, no comment, no second file behind the
end of the first. What a browser or a person could take for something else is therefore gone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms, ImageOps

Image.MAX_IMAGE_PIXELS = None
"""Pillow would warn and go on; our own limit is looked at before anything is decoded."""

CONTENT_TYPES: Mapping[str, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
"""The kinds of pictures that are taken, by Pillow's names; of moving ones the first frame."""

EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
}
_KNOWN = ", ".join(CONTENT_TYPES)
_WRITTEN_AS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "GIF": "PNG"}
_DECODER_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    LookupError,
    ArithmeticError,
    struct.error,
    MemoryError,
)
"""What Pillow's decoders raise on broken files."""


class RejectedPictureError(Exception):
    """It is not shown; the message says why, to whoever uploaded it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A file that is safe to show; ``extension`` is that of its type."""

    body: bytes
    content_type: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.content_type][0]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSet:
    """The picture in its full size, and smaller ones by their width in pixels."""

    full: Picture
    thumbnails: Mapping[int, Picture]


def picture_set(
    upload: bytes, *, content_type: str, max_pixels: int, thumbnail_widths: Sequence[int]
) -> PictureSet:
    """Make the pictures that are shown of an upload. It computes for up to some seconds.

    Args:
        upload: the whole file.
        content_type: what the uploader said it is; another picture is refused.
        max_pixels: width times height; more is refused before it is decoded.
        thumbnail_widths: pixels; those that are not smaller than the picture are left out.

    Raises:
        RejectedPictureError: it is no picture, not the announced kind, damaged or too large.
    """
    if not upload:
        raise RejectedPictureError("the file is empty")
    with _opened(upload) as image:
        kind = str(image.format)
        _require_announced(kind, content_type)
        width, height = image.size
        if width * height > max_pixels:
            raise RejectedPictureError(
                f"the picture has {width} x {height} pixels; at most {max_pixels} are taken"
            )
        try:
            pixels = _pixels_of(image)
            full = _written(pixels, _WRITTEN_AS[kind])
            thumbnails = {
                wanted: _written(_narrowed(pixels, wanted), "WEBP")
                for wanted in thumbnail_widths
                if wanted < pixels.width
            }
        except _DECODER_ERRORS:
            raise RejectedPictureError(f"the {kind} file is damaged") from None
    return PictureSet(full=full, thumbnails=thumbnails)


def _opened(upload: bytes) -> Image.Image:
    """Read what stands at the beginning of the file, and no pixel yet."""
    try:
        return Image.open(BytesIO(upload), formats=tuple(CONTENT_TYPES))
    except _DECODER_ERRORS:
        raise RejectedPictureError(f"the file is no picture that is taken ({_KNOWN})") from None


def _require_announced(kind: str, content_type: str) -> None:
    found = CONTENT_TYPES[kind]
    if found != content_type:
        raise RejectedPictureError(f"the file is {found}, and {content_type} was announced")


def _pixels_of(image: Image.Image) -> Image.Image:
    """Decode the first frame, upright, in sRGB, with nothing beside the pixels."""
    image.load()
    profile = image.info.get("icc_profile")
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    # In place where possible: of a large picture each copy is felt.
    ImageOps.exif_transpose(image, in_place=True)
    pixels: Image.Image = image
    if profile and pixels.mode in {"RGB", "RGBA", "CMYK"}:
        pixels = _in_srgb(pixels, profile)
    if pixels.mode != wanted:
        pixels = pixels.convert(wanted)
    pixels.info = {}
    return pixels


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the picture's own colors; a profile that cannot be used is left aside."""
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB" if image.mode == "CMYK" else image.mode,
        )
    except (ImageCms.PyCMSError, *_DECODER_ERRORS):
        return image
    return converted or image


def _narrowed(pixels: Image.Image, width: int) -> Image.Image:
    height = max(1, round(pixels.height * width / pixels.width))
    return pixels.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _written(pixels: Image.Image, kind: str) -> Picture:
    if kind == "JPEG" and pixels.mode != "RGB":
        pixels = pixels.convert("RGB")
    file = BytesIO()
    options = {
        "JPEG": {"quality": 90, "progressive": True, "optimize": True},
        "WEBP": {"quality": 82, "method": 4},
        "PNG": {"compress_level": 6},
    }[kind]
    pixels.save(file, kind, **options)
    return Picture(
        body=file.getvalue(),
        content_type=CONTENT_TYPES[kind],
        width=pixels.width,
        height=pixels.height,
    )
