"""Another device computes what the CPU does; those of a GPU run by `make test-gpu`."""

import copy

import pytest
import torch
from shrink import shrink
from torch.utils.data import default_collate

from ddmi_toolkit.engine import AutocastOptimWrapper
from ddmi_toolkit.registry import DATASETS, MODELS

DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.gpu)]
STAGE_ONE = ['d2c_vae/procedural_chair.py', 'd2c_vae/afhqv2_cat_gan.py']


@pytest.fixture(params=DEVICES)
def device(request):
    """A device that is there."""
    if request.param == 'cuda' and not torch.cuda.is_available():
        pytest.skip('no CUDA device')
    return torch.device(request.param)


def moved(value, device, dtype=None):
    """Tensors of a nested batch on a device, real ones in another type if given."""
    if isinstance(value, dict):
        return {k: moved(v, device, dtype) for k, v in value.items()}
    if not torch.is_tensor(value):
        return value
    return value.to(device, dtype if value.is_floating_point() else None)


def model_and_batch(name, folder, dtype=torch.float64):
    """A shrunk stage-1 model without zero weights, and a batch."""
    cfg = shrink(name, folder)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(dtype)
    for parameter in model.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return model, moved(default_collate([dataset[0], dataset[1]]), 'cpu', dtype)


def gradients(model, batch):
    """Of the sum of all losses, by parameter."""
    losses = model(**batch, mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    return {n: p.grad.cpu() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize('name', STAGE_ONE)
def test_gradients_are_those_of_the_cpu(tmp_path, device, name):
    """Seeded noise included, in float64."""
    model, batch = model_and_batch(name, tmp_path)
    other = copy.deepcopy(model).to(device)
    expected, found = gradients(model, batch), gradients(other, moved(batch, device))
    assert expected.keys() == found.keys()
    largest = max(float(g.abs().max()) for g in expected.values())
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-8, atol=1e-10 * largest, msg=key)


def test_samples_of_a_seed_are_those_of_the_cpu(tmp_path, device):
    """Fields of a latent diffusion, rendered."""
    torch.manual_seed(0)
    model = MODELS.build(shrink('ddmi/procedural_image.py', tmp_path).model).double().eval()
    other = copy.deepcopy(model).to(device)
    pictures = [
        m(seed=torch.tensor([5, 9], device=d), mode='predict')[1]['field'].render((20, 24)).cpu()
        for m, d in ((model, 'cpu'), (other, device))
    ]
    torch.testing.assert_close(pictures[1], pictures[0], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize('name', STAGE_ONE)
def test_half_precision_lowers_the_loss(tmp_path, device, name):
    """float16 with scaled losses where there is a GPU, bfloat16 without."""
    model, batch = model_and_batch(name, tmp_path, torch.float32)
    model, batch = model.to(device), moved(batch, device)
    wrapper = AutocastOptimWrapper(
        dtype='float16' if device.type == 'cuda' else 'bfloat16',
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3),
    )
    for game in model.adversarial.values():
        game.weight = 0.0  # the optimizer here is the autoencoder's
    losses = []
    for _ in range(20):
        with wrapper.optim_context(model):
            terms = model(**batch, mode='loss')
        losses.append(sum(v for k, v in terms.items() if k == 'loss_recon'))
        wrapper.update_params(sum(v for k, v in terms.items() if 'loss' in k))
    assert torch.isfinite(torch.stack(losses)).all()
    assert losses[-1] < losses[0]
