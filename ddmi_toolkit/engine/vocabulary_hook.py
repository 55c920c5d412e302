"""Takes a vocabulary from the captions that a model is trained on."""

from typing import Any

from mmengine.dist import broadcast_object_list
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ..registry import HOOKS
from .loss_weight_hook import unwrap


@HOOKS.register_module()
class VocabularyHook(Hook):
    """Gives a conditioner that learns words the words of the training data.

    They are those of the data set's ``captions()``, so the same in every process and in every run
    on the same data. They are saved with the weights; a resumed run keeps them. Of conditioners
    that cannot take captions of any length the captions are checked. Other models are left alone.
    """

    priority = 'ABOVE_NORMAL'

    def before_train(self, runner: Any) -> None:
        """Read all captions once, at the start of a new run.

        Raises:
            TypeError: The data set cannot list its captions.
            ValueError: It has none, or some are too long for the conditioner.
        """
        conditioner = getattr(unwrap(runner.model), 'conditioner', None)
        dataset = runner.train_dataloader.dataset
        if hasattr(conditioner, 'require_short') and hasattr(dataset, 'captions'):
            conditioner.require_short(dataset.captions())
        if not hasattr(conditioner, 'set_vocabulary') or conditioner.vocabulary:
            return
        if not hasattr(dataset, 'captions'):
            raise TypeError(
                f'{type(dataset).__name__} has no captions() to take a vocabulary from; give it '
                f'one that returns all captions, or set conditioner.vocabulary'
            )
        words = [conditioner.choose_words(dataset.captions())]
        broadcast_object_list(words)
        conditioner.set_vocabulary(words[0])
        print_log(
            f'vocabulary of {len(words[0])} words: {", ".join(words[0][:12])}, ...',
            logger='current',
        )
