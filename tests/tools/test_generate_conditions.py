"""Generation by prompt and class from the command line, on a tiny model with random weights."""

import runpy
from pathlib import Path

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.apis import FieldInferencer, load_field
from ddmi_toolkit.registry import MODELS

ROOT = Path(__file__).parents[2]
PROMPTS = ('a chair with two arms', 'a stool')
CONDITIONERS = dict(
    prompt=dict(
        type='WordConditioner',
        channels=16,
        num_heads=2,
        depth=1,
        max_words=8,
        vocabulary='a chair stool with two arms legs'.split(),
    ),
    label=dict(type='LabelConditioner', num_classes=3, channels=8),
    none=None,
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config file and checkpoint of a model per conditioner, no weight of which is zero."""
    found = {}
    for name, conditioner in CONDITIONERS.items():
        folder = tmp_path_factory.mktemp(name)
        cfg = shrink('ddmi/procedural_chair.py', folder)
        cfg.model.conditioner = conditioner
        # with one channel a group, norms would remove a condition's vector
        cfg.model.denoiser.denoiser.model_channels = 64
        cfg.dump(folder / 'config.py')
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        with torch.no_grad():
            for p in model.denoiser.parameters():
                p.add_(0.1 * torch.randn(p.shape))
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        found[name] = [str(folder / 'config.py'), str(folder / 'model.pth')]
    return found


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command in this process."""

    def command(files, *arguments):
        monkeypatch.chdir(tmp_path)
        words = [*files, '--resolution', 16, *arguments]
        monkeypatch.setattr('sys.argv', ['generate.py', *map(str, words)])
        runpy.run_path(str(ROOT / 'tools' / 'generate.py'), run_name='__main__')

    return command


def latents(field):
    """Everything that a field, or its file, holds."""
    state = (load_field(field) if isinstance(field, Path) else field).state
    return torch.cat([state[k].flatten() for k in sorted(state)])


def test_prompts_times_seeds(run, models, tmp_path):
    """One field each, equal to the interface's; the scale is that of the command line."""
    run(models['prompt'], '--seeds', '3,5', '--prompt', *PROMPTS, '--guidance', 2, '--out', 'a')
    names = [f'prompt_{p:02d}_seed_{s:06d}' for p in (0, 1) for s in (3, 5)]
    assert sorted(p.stem for p in (tmp_path / 'a').glob('*.safetensors')) == names
    inferencer = FieldInferencer(*models['prompt'], device='cpu')
    fields = list(inferencer.sample([3, 5], [PROMPTS[1]] * 2, guidance_scale=2))
    for field, name in zip(fields, names[2:], strict=True):
        written = latents(tmp_path / 'a' / f'{name}.safetensors')
        torch.testing.assert_close(written, latents(field), atol=1e-4, rtol=1e-4)
    assert inferencer.model.guidance.scale == 1  # as before
    run(models['prompt'], '--seeds', '3', '--prompt', PROMPTS[1], '--guidance', 0, '--out', 'b')
    run(models['prompt'], '--seeds', '3', '--out', 'c')
    files = [next((tmp_path / d).glob('*.safetensors')) for d in 'bc']
    torch.testing.assert_close(*map(latents, files), atol=1e-4, rtol=1e-4)  # unconditional
    assert (latents(files[0]) - latents(tmp_path / 'a' / f'{names[2]}.safetensors')).any()


def test_negative_prompts_and_interpolation(run, models, tmp_path):
    """Guided away from what is wanted, nothing is left to guide; paths keep their condition."""
    for out, words in (('a', ['--guidance', 4, '--negative', PROMPTS[0]]), ('b', [])):
        run(models['prompt'], '--seeds', '3', '--prompt', PROMPTS[0], '--out', out, *words)
    files = [next((tmp_path / d).glob('*.safetensors')) for d in 'ab']
    torch.testing.assert_close(*map(latents, files), atol=1e-4, rtol=1e-4)
    run(models['prompt'], '--interpolate', 3, 4, 2, '--prompt', PROMPTS[0], '--out', 'c')
    ends = latents(tmp_path / 'c' / 'step_000.safetensors')
    torch.testing.assert_close(ends, latents(files[1]), atol=1e-4, rtol=1e-4)


def test_classes_by_number(run, models, tmp_path):
    """Each class has its own field."""
    run(models['label'], '--seeds', '3', '--class', 0, 2, '--out', 'a')
    a, b = sorted((tmp_path / 'a').glob('*.safetensors'))
    assert (latents(a) - latents(b)).abs().max() > 1e-4


@pytest.mark.parametrize(
    ('model', 'words', 'message'),
    [
        ('none', ['--prompt', 'a chair'], 'has no conditioner: it generates unconditionally'),
        ('none', ['--guidance', '3'], 'has no conditioner'),
        ('prompt', ['--class', 'chair'], 'WordConditioner takes a prompt, got a class'),
        ('label', ['--prompt', 'a chair'], "got a prompt: 'a chair'; give it by --class"),
        ('label', ['--class', '7'], '7'),
        ('prompt', ['--prompt', ' '], 'empty'),
        ('prompt', ['--prompt', 'a chair ' * 9], 'the limit is max_words=8; shorten it'),
        ('prompt', ['--negative', 'a chair'], '--negative needs --prompt'),
        ('prompt', ['--prompt', 'a', '--negative', 'a chair'], '(--guidance of the command line'),
        ('prompt', ['--prompt', 'a', '--guidance', 'nan'], 'scale=nan must be finite'),
        (
            'prompt',
            ['--prompt', *PROMPTS, '--interpolate', '1', '2', '3'],
            '--interpolate takes one --prompt, got 2',
        ),
    ],
)
def test_bad_conditions_end_with_one_message(run, models, model, words, message):
    """Before anything is sampled."""
    with pytest.raises(SystemExit, match='Error: ') as error:
        run(models[model], '--seeds', '3', '--out', 'a', *words)
    assert message in str(error.value)


def test_samples_under_two_scales_may_be_drawn_in_turn(models):
    """A scale belongs to its own samples, also when others are drawn between them."""
    inferencer = FieldInferencer(*models['prompt'], device='cpu')
    conds = [inferencer.condition(PROMPTS[1])] * 2
    options = dict(batch_size=1, guidance_scale=3)
    alone = [latents(f) for f in inferencer.sample([3, 5], conds, **options)]
    guided = inferencer.sample([3, 5], conds, **options)
    free = inferencer.sample([3, 5], conds, batch_size=1, guidance_scale=0)
    in_turn = [latents(f) for f, _ in zip(guided, free, strict=True)]
    torch.testing.assert_close(in_turn, alone)


def test_an_unconditional_model_is_guided_by_a_weaker_one(models):
    """Away from itself it goes nowhere; away from nothing it cannot go."""
    config, checkpoint = models['none']
    weak = {'model.weak': dict(checkpoint=checkpoint)}
    (plain,) = FieldInferencer(config, checkpoint, 'cpu').sample([3])
    inferencer = FieldInferencer(config, checkpoint, 'cpu', weak)
    (guided,) = inferencer.sample([3], guidance_scale=2)
    torch.testing.assert_close(latents(guided), latents(plain), atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match='has no conditioner'):
        next(FieldInferencer(config, checkpoint, 'cpu').sample([3], guidance_scale=2))
