"""Tasks that a trained model was not trained for: what is known of a field, and fields of it."""

from .clouds import observe_cloud, observe_occupancies
from .files import OBSERVERS, AbstractObserver, make_observer, observe_file
from .likelihoods import NOISE, BernoulliLikelihood, NormalLikelihood, likelihood_of
from .posterior import Inversion, invert, posterior_latents
from .variation import variation_latents

__all__ = [
    'NOISE',
    'OBSERVERS',
    'AbstractObserver',
    'BernoulliLikelihood',
    'Inversion',
    'NormalLikelihood',
    'invert',
    'likelihood_of',
    'make_observer',
    'observe_cloud',
    'observe_file',
    'observe_occupancies',
    'posterior_latents',
    'variation_latents',
]
