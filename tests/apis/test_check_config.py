"""Mistakes in what mmengine builds are named before anything is read, as those in models are."""

import pytest
from mmengine.config import Config

from ddmi_toolkit.apis import check_config, evaluate, load_config


@pytest.mark.parametrize(
    'options, error, message',
    [
        (
            {'train_dataloader.dataset.num_clip': 3},
            TypeError,
            r"'ProceduralClips' has no argument 'num_clip' \(did you mean 'num_clips'.*it takes",
        ),
        ({'val_dataloader.dataset.type': 'Video'}, ValueError, "no type 'Video' .*VideoFolder"),
        (
            {'test_evaluator.1.sizes': 3},
            TypeError,
            r"'ClipQuality' has no argument 'sizes' \(did you mean 'size'",
        ),
        (
            {'train_cfg.max_itres': 3},
            TypeError,
            r"'SeededTrainLoop' has no argument 'max_itres' \(did you mean 'max_iters'",
        ),
        ({'custom_hooks.0.ends': 3}, TypeError, r"'LossWeightHook' has no argument 'ends'"),
    ],
)
def test_mistakes_are_named(options, error, message):
    """Led by the config's name; with the arguments that there are."""
    cfg = load_config('d2c_vae/procedural_video.py', options)
    with pytest.raises(error, match=f'd2c_vae_procedural_video: .*{message}'):
        check_config(cfg)


def test_evaluation_looks_before_it_loads():
    """A wrong metric is named although there is no checkpoint."""
    options = {'test_dataloader.dataset.num_sample': 3}
    with pytest.raises(TypeError, match=r"no argument 'num_sample' \(did you mean 'num_samples'"):
        evaluate(load_config('ddmi/procedural_video.py', options))


def test_what_is_built_already_is_left_alone():
    """A data set may be given as an object."""
    cfg = load_config('d2c_vae/procedural_video.py')
    cfg = Config({**cfg.to_dict(), 'train_dataloader': dict(dataset=[1, 2]), 'val_evaluator': None})
    check_config(cfg)
