"""Pictures that people send: looked at before they are kept. What is no picture is refused in words."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 60_000_000
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
KEPT_EDGE, KEPT_QUALITY = 1600, 80  # pixels of the longer edge; enough to read a seal number by


class NotAPicture(ValueError):
    """Why it is none, as a sentence for whoever sent it."""


def media_type_of(content: bytes) -> str:
    """Return ``image/jpeg`` or ``image/png`` by what the bytes really are; NotAPicture for anything else."""
    return MEDIA_TYPES[str(_opened(content).format)]


def as_kept(content: bytes) -> bytes:
    """Return a photo as it is kept: upright JPEG, at most 1600 pixels, without place, device and other metadata."""
    picture = ImageOps.exif_transpose(_opened(content)).convert("RGB")
    picture.thumbnail((KEPT_EDGE, KEPT_EDGE))
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=KEPT_QUALITY)
    return kept.getvalue()


def smaller(content: bytes, edge: int) -> bytes:
    """Return a kept photo as JPEG of at most so many pixels on its longer edge."""
    picture = _opened(content)
    picture.thumbnail((edge, edge))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=KEPT_QUALITY)
    return made.getvalue()


def _opened(content: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES))
        if picture.width * picture.height > MOST_PIXELS:
            raise NotAPicture("This picture is too large. Take it in fewer pixels.")
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPicture("This is no JPEG or PNG, or it is damaged.") from error
    return picture
