"""Changes of color, for sets too small to show an autoencoder all colors."""

from math import pi

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image

from ...registry import TRANSFORMS
from ..base import Record


@TRANSFORMS.register_module()
class JitterColors(BaseTransform):
    """Random saturation, contrast, brightness and hue, in this order (kornia's operations).

    Values are clipped to 8 bit in between. What is generated later will have jittered colors too,
    so let stage 2 read its pictures without.

    Args:
        hue: Largest rotation of the color wheel, in turns: 0.5 reaches every hue.
        saturation: Largest relative change, in [0, 1].
        contrast: Largest relative change, in [0, 1].
        brightness: Largest shift, as a part of the range of values, in [0, 1].

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        hue: float = 0.5,
        saturation: float = 0.5,
        contrast: float = 0.2,
        brightness: float = 0.1,
    ) -> None:
        limits = dict(hue=0.5, saturation=1.0, contrast=1.0, brightness=1.0)
        values = dict(hue=hue, saturation=saturation, contrast=contrast, brightness=brightness)
        for name, value in values.items():
            if not 0 <= value <= limits[name]:
                raise ValueError(f'{name}={value} must be between 0 and {limits[name]}')
        self.hue, self.saturation = hue, saturation
        self.contrast, self.brightness = contrast, brightness

    def transform(self, record: Record) -> Record:
        """Change the colors of ``image``."""
        from kornia import enhance

        rng = record['rng']
        pixels = np.asarray(record['image'], np.float32) / 255
        image = torch.from_numpy(pixels).movedim(-1, 0)
        image = enhance.adjust_saturation(image, 1 + rng.uniform(-1, 1) * self.saturation)
        image = enhance.adjust_contrast(image, 1 + rng.uniform(-1, 1) * self.contrast)
        image = enhance.adjust_brightness(image, rng.uniform(-1, 1) * self.brightness)
        image = enhance.adjust_hue(image, rng.uniform(-1, 1) * self.hue * 2 * pi)
        pixels = (image.movedim(0, -1).clamp(0, 1) * 255).round().to(torch.uint8)
        record['image'] = Image.fromarray(pixels.numpy())
        return record
