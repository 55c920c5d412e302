"""Tasks that a trained model was not trained for: what is known of a field, and fields of it."""

from .clouds import observe_cloud, observe_occupancies
from .likelihoods import NOISE, BernoulliLikelihood, NormalLikelihood, likelihood_of
from .posterior import Inversion, invert, posterior_latents
from .variation import variation_latents

__all__ = [
    'NOISE',
    'BernoulliLikelihood',
    'Inversion',
    'NormalLikelihood',
    'invert',
    'likelihood_of',
    'observe_cloud',
    'observe_occupancies',
    'posterior_latents',
    'variation_latents',
]
