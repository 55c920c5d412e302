"""Picture files as a person sees them: any color model, upright, on white, in 8-bit RGB."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.gif')
FILTERS = dict(
    box=Image.Resampling.BOX,
    bilinear=Image.Resampling.BILINEAR,
    bicubic=Image.Resampling.BICUBIC,
    lanczos=Image.Resampling.LANCZOS,
)


def decode_image(data: bytes, name: str) -> Image.Image:
    """The picture in the bytes of a file, as 8-bit RGB.

    Grey becomes RGB, 16 bits are scaled to 8, CMYK and palettes are converted, transparent parts
    show a white ground, and the orientation that a camera notes is applied. Of an animation the
    first frame is taken.

    Args:
        data: Content of the file, in any format that Pillow reads.
        name: Its name, for the message.

    Raises:
        ValueError: The file is no picture, is cut short, or its values have no known range.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.mode == 'I' and image.format == 'TIFF':  # PNG and PGM of this mode have 16
                raise _unknown_white(image, 'signed or 32 bits')
            return to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # decoders of broken files raise anything
        is_unknown = isinstance(error, UnidentifiedImageError)  # its text has a memory address
        reason = 'no known format' if is_unknown else str(error) or type(error).__name__
        raise ValueError(
            f'{name}: cannot be read as a picture ({reason}; {len(data)} bytes); restore or '
            f'remove it. tools/prepare_images.py lists all broken files of a set'
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """A Pillow image in 8-bit RGB, on white where it is transparent.

    Raises:
        ValueError: The values are floats or exceed 16 bits, so that nobody knows what white is.
    """
    if image.mode == 'RGB' and not image.has_transparency_data:
        return image
    if image.mode.startswith('I') or image.mode == 'F':
        return _from_deep(image).convert('RGB')
    if image.mode in ('CMYK', 'YCbCr', 'HSV'):
        return image.convert('RGB')
    if not image.has_transparency_data:
        return image.convert('RGB')
    image = image.convert('RGBA')
    ground = Image.new('RGBA', image.size, 'white')
    return Image.alpha_composite(ground, image).convert('RGB')


def _from_deep(image: Image.Image) -> Image.Image:
    """8-bit grey of 16-bit grey, 65535 becoming 255; Pillow itself would clip at 255."""
    values = np.asarray(image)
    if image.mode == 'F' or values.min() < 0 or values.max() > 65535:
        raise _unknown_white(image, f'mode {image.mode}')
    return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _unknown_white(image: Image.Image, what: str) -> ValueError:
    low, high = image.getextrema()
    return ValueError(
        f'values from {low} to {high} ({what}) have no known white; save it with 8 or 16 bits '
        f'per channel'
    )


def as_filter(name: str) -> Image.Resampling:
    """Pillow's filter of a name; all of them average over the pixels that they merge.

    Raises:
        ValueError: There is no such filter.
    """
    if name not in FILTERS:
        raise ValueError(f'filter must be one of {list(FILTERS)}, got {name!r}')
    return FILTERS[name]
