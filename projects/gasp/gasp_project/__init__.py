"""GASP: distributions of functions, learned against a discriminator of point sets."""

from .field_gan import FieldGAN
from .hypernetwork import PlainHypernetwork
from .set_adversarial_loss import SetAdversarialLoss
from .set_discriminator import PointConv, SetDiscriminator

__all__ = ['FieldGAN', 'PlainHypernetwork', 'PointConv', 'SetAdversarialLoss', 'SetDiscriminator']
