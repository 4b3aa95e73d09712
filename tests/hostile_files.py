"""Files that somebody might upload as a picture, good ones and hostile ones."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SCRIPT = b"<script>alert('perdure')</script>"
LOCATION = "48.8584N 2.2945E"


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (640, 320), mode: str = "RGB", **options: object
) -> bytes:
    """A picture without anything beside it."""
    file = BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(file, kind, **options)
    return file.getvalue()


def photo() -> bytes:
    """A photo that lies on its side, and tells where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    exif[0x010E] = LOCATION
    return picture(exif=exif, comment=SCRIPT)


def jpeg_and_page() -> bytes:
    """A picture to one reader, a page with a script to another."""
    return picture(comment=b"<html>" + SCRIPT) + b"<html>" + SCRIPT + b"</html>"


def gif_and_program() -> bytes:
    """A picture that is also a program: ``GIF89a`` is a variable in it."""
    gif = picture("GIF", mode="P", comment=b"*/=1;" + SCRIPT + b"/*")
    return gif + b"*/=1;" + SCRIPT


def png_with_words() -> bytes:
    words = PngInfo()
    words.add_text("Comment", SCRIPT.decode(), zip=False)
    return picture("PNG", pnginfo=words) + SCRIPT


def picture_and_archive() -> bytes:
    """A picture whose end is an archive that every unpacker reads."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("page.html", SCRIPT)
    return picture("PNG") + archive.getvalue()


def described(kind: str) -> bytes:
    """A picture whose metadata are a script."""
    exif = Image.Exif()
    exif[0x010E] = SCRIPT.decode()
    return picture(kind, exif=exif, xmp=SCRIPT)


POLYGLOTS: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "jpeg and page": ("image/jpeg", jpeg_and_page),
    "gif and program": ("image/gif", gif_and_program),
    "png with words": ("image/png", png_with_words),
    "png with metadata": ("image/png", lambda: described("PNG")),
    "webp with metadata": ("image/webp", lambda: described("WEBP")),
    "jpeg with metadata": ("image/jpeg", lambda: described("JPEG")),
    "png and archive": ("image/png", picture_and_archive),
}


def png_of(width: int, height: int) -> bytes:
    """A small file that says it has this many pixels; all of them are black."""
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(1 + width // 8)) for _ in range(min(height, 2_000)))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", body + rows.flush()),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def png_with_a_bomb_of_text() -> bytes:
    """Compressed words that become 200 MiB."""
    words = PngInfo()
    words.add_text("Comment", "a" * 200_000_000, zip=True)
    return picture("PNG", pnginfo=words)


def archive_bomb() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(10_000_000))
    return file.getvalue()


def truncated() -> bytes:
    whole = picture(size=(800, 800), quality=95)
    return whole[: len(whole) // 2]


REFUSED: Mapping[str, tuple[str, Callable[[], bytes], str]] = {
    "nothing": ("image/jpeg", lambda: b"", "the file is empty"),
    "svg": (
        "image/png",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>",
        "no picture that is taken",
    ),
    "page": ("image/jpeg", lambda: b"<!doctype html>" + SCRIPT, "no picture that is taken"),
    "archive bomb": ("image/png", archive_bomb, "no picture that is taken"),
    "tiff": ("image/jpeg", lambda: picture("TIFF"), "no picture that is taken"),
    "bitmap": ("image/png", lambda: picture("BMP"), "no picture that is taken"),
    "postscript": (
        "image/jpeg",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "no picture that is taken",
    ),
    "another kind": (
        "image/png",
        lambda: picture("JPEG"),
        "the file is image/jpeg, and image/png was announced",
    ),
    "truncated": ("image/jpeg", truncated, "the JPEG file is damaged"),
    "broken in the middle": (
        "image/png",
        lambda: picture("PNG")[:80] + b"\xff" * 40,
        "the PNG file is damaged",
    ),
    "bomb of pixels": ("image/png", lambda: png_of(50_000, 50_000), "50000 x 50000 pixels"),
    "bomb of text": ("image/png", png_with_a_bomb_of_text, "damaged|no picture"),
}
"""Type, file and words of the refusal, by what it is."""
