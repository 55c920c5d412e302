"""Networks that denoise plane latents."""

from .base import AbstractDenoiser
from .plane_dit import PlaneDiT
from .plane_unet import PlaneUNet
from .stacked_planes import StackedPlanes

__all__ = ['AbstractDenoiser', 'PlaneDiT', 'PlaneUNet', 'StackedPlanes']
