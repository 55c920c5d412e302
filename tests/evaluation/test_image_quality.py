"""PSNR and SSIM: closed forms, and the published bicubic numbers."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from ddmi_toolkit.evaluation.image_quality import ImageQuality, luma, psnr, ssim


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def evaluate(metric: ImageQuality, *pairs: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    metric.process(None, [dict(pred=p, target=t) for p, t in pairs])
    return metric.evaluate(len(pairs))


@pytest.mark.parametrize('offset', [0.5, 0.1, 0.001])
def test_psnr_of_a_constant_offset(offset):
    """-20 log10 of the offset, whatever the shape."""
    target = images(2, 7, 3).double()
    expected = torch.full((2,), -20 * math.log10(offset), dtype=torch.float64)
    torch.testing.assert_close(psnr(target + offset, target), expected)


def test_ssim_of_an_image_with_itself_is_one():
    """For every image of a batch."""
    target = images(3, 16, 20, 3)
    torch.testing.assert_close(ssim(target, target), torch.ones(3, dtype=torch.float64))


def test_ssim_of_constant_images():
    """Without variance only luminance is left: (2ab + c) / (a^2 + b^2 + c), c = 0.01^2."""
    a, b, c = 0.2, 0.7, 0.01**2
    flat = torch.full((1, 12, 12, 1), a), torch.full((1, 12, 12, 1), b)
    assert ssim(*flat).item() == pytest.approx((2 * a * b + c) / (a * a + b * b + c), abs=1e-6)


def test_luma_of_black_white_and_grey():
    """Studio swing: 16 to 235 of 255, and linear."""
    values = luma(torch.tensor([[0.0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]])) * 255
    torch.testing.assert_close(values[:, 0], torch.tensor([16, 235, 125.5]))


def test_metric_maps_its_range_and_averages_over_images():
    """Values in [-1, 1]: an offset of 0.2 there is 0.1 here, 20 dB; the mean is over images."""
    target = images(16, 16, 3) - 0.5
    result = evaluate(ImageQuality(), (target + 0.2, target), (target + 0.02, target))
    assert result['image/psnr'] == pytest.approx((20 + 40) / 2, abs=1e-3)
    assert result['image/num_images'] == 2


def test_predictions_beyond_the_range_are_clamped():
    """What a picture cannot show is no error."""
    target = torch.ones(16, 16, 3)
    assert evaluate(ImageQuality(), (target + 3, target)) == {
        'image/psnr': math.inf,
        'image/ssim': pytest.approx(1),
        'image/num_images': 1,
    }


def test_border_is_left_out():
    """Errors at the border do not count, errors inside do."""
    target = images(20, 20, 1) - 0.5
    pred = target.clone()
    pred[:2], pred[:, -2:] = 1, -1
    assert evaluate(ImageQuality(border=2), (pred, target))['image/psnr'] == math.inf
    assert evaluate(ImageQuality(border=1), (pred, target))['image/psnr'] < 40


def test_clips_average_their_frames():
    """SSIM of a clip is the mean of its frames'."""
    pred, target = images(3, 16, 16, 3), images(3, 16, 16, 3, seed=1)
    value = evaluate(ImageQuality(), (2 * pred - 1, 2 * target - 1))['image/ssim']
    assert value == pytest.approx(ssim(pred, target).mean().item(), abs=1e-6)


def test_psnr_of_views_is_of_all_or_of_each():
    """20 and 40 dB: the mean is 30, and the mean squared error is half of the larger one."""
    target = images(2, 16, 16, 3) - 0.5
    pred = target + torch.tensor([0.2, 0.02]).view(2, 1, 1, 1)
    whole, each = (ImageQuality(is_per_frame=flag) for flag in (False, True))
    assert evaluate(each, (pred, target))['image/psnr'] == pytest.approx(30, abs=1e-3)
    together = -10 * math.log10((0.01 + 0.0001) / 2)
    assert evaluate(whole, (pred, target))['image/psnr'] == pytest.approx(together, abs=1e-3)
    assert each.protocol()['image']['is_per_frame']
    assert 'is_per_frame' not in whole.protocol()['image']
    picture = (pred[0], target[0])
    assert evaluate(each, picture) == evaluate(whole, picture)
    with pytest.raises(ValueError, match='scattered points have no neighbors'):
        evaluate(ImageQuality(['psnr'], is_per_frame=True), (pred[0, 0], target[0, 0]))


def test_points_have_psnr_only():
    """The remedy is in the message."""
    points = torch.zeros(50, 3)
    value = evaluate(ImageQuality(['psnr']), (points + 0.2, points))['image/psnr']
    assert value == pytest.approx(20, abs=1e-3)
    with pytest.raises(ValueError, match=r"scattered points .* names=\['psnr'\]"):
        evaluate(ImageQuality(), (points, points))


def test_errors_name_the_remedy():
    """Unknown names, missing targets, other shapes, images below the window."""
    image = torch.zeros(8, 8, 3)
    for name in ('lpips', 'psnr_random'):
        with pytest.raises(ValueError, match=rf"names has \['{name}'\]; choose of"):
            ImageQuality([name])
    with pytest.raises(ValueError, match="needs a 'target'"):
        ImageQuality().process(None, [dict(pred=image, target=None)])
    with pytest.raises(ValueError, match='differ in shape'):
        evaluate(ImageQuality(), (image, image[:4]))
    with pytest.raises(ValueError, match='at least 11'):
        evaluate(ImageQuality(), (image, image))


def test_a_size_renders_the_field_and_takes_the_original(wave_field):
    """At the training resolution and at twice it, beside each other; ``pred`` plays no part."""
    fields = [wave_field(i) for i in range(3)]
    originals = torch.cat([f.render((32, 48), cell=1.0) for f in fields])
    batch = dict(meta=dict(name=['a', 'b', 'c'], image=originals))
    samples = [dict(field=f, pred=torch.zeros(1, 3), target=torch.ones(1, 3)) for f in fields]
    found = {}
    for size, prefix in (((16, 24), 'image_16'), ((32, 48), 'image_32')):
        metric = ImageQuality(size=size, prefix=prefix)
        metric.process(batch, samples)
        found |= metric.evaluate(3)
        protocol = metric.protocol()[prefix]
        assert protocol['size'] == size
        assert protocol['largest_target'] == (*size, 3)
        assert 'bilinear with antialiasing' in protocol['target_transform']
    rendered = torch.cat([f.render((32, 48)) for f in fields])
    expected = psnr(rendered / 2, originals / 2).mean().item()
    assert found['image_32/psnr'] == pytest.approx(expected, abs=1e-4)
    assert found['image_16/psnr'] > 30  # smooth fields hardly differ from their averages
    assert found['image_16/ssim'] > 0.99


def test_clips_are_rendered_at_a_size_and_compared_with_originals(clip_field):
    """Frames, rows and columns; the original is reduced within frames alone."""
    fields = [clip_field(i) for i in range(2)]
    originals = torch.cat([f.render((4, 26, 24)) for f in fields])
    batch = dict(meta=dict(name=['a', 'b'], clip=originals))
    metric = ImageQuality(size=(4, 13, 12), is_per_frame=True)
    metric.process(batch, [dict(field=f, pred=torch.zeros(1)) for f in fields])
    values = metric.evaluate(2)
    assert values['image/psnr'] > 30  # smooth fields hardly differ from their averages
    assert "meta['clip'], bilinear" in metric.protocol()['image']['target_transform']
    exact = ImageQuality(['psnr'], size=(4, 26, 24))
    exact.process(batch, [dict(field=f) for f in fields])
    assert exact.evaluate(2)['image/psnr'] == math.inf
    with pytest.raises(ValueError, match=r"meta\['clip'\] has 4 frames, 5 are asked for"):
        ImageQuality(size=(5, 13, 12)).process(batch, [dict(field=fields[0])])
    with pytest.raises(ValueError, match=r"the batch has no meta\['image'\]"):
        ImageQuality(size=13).process(batch, [dict(field=fields[0])])


def test_originals_are_needed_and_never_enlarged(wave_field):
    sample = dict(field=wave_field())
    batch = dict(meta=dict(image=torch.zeros(1, 16, 16, 3)))
    with pytest.raises(ValueError, match=r'16 x 16 pixels, 32 x 16 are asked.*no ground truth'):
        ImageQuality(size=(32, 16)).process(batch, [sample])
    with pytest.raises(ValueError, match=r"the batch has no meta\['image'\].*PackImage"):
        ImageQuality(size=16).process(dict(meta=dict(name=['a'])), [sample])
    with pytest.raises(ValueError, match='the model gave no field and nothing'):
        ImageQuality(size=16).process(batch, [{}])


def test_other_pictures_or_sizes_are_another_protocol():
    """Numbers of one set at two sizes, or of two sets, are not to be compared."""

    def protocol(names, side):
        metric, image = ImageQuality(), torch.zeros(side, side, 3)
        samples = [dict(pred=image + 0.1, target=image)] * len(names)
        metric.process(dict(meta=dict(name=names)), samples)
        metric.evaluate(len(names))
        return metric.protocol()['image']

    assert protocol(['a', 'b'], 16) == protocol(['b', 'a'], 16)
    assert protocol(['a', 'b'], 16) != protocol(['a', 'c'], 16)
    assert protocol(['a', 'b'], 16) != protocol(['a', 'b'], 17)


@pytest.mark.parametrize('factor', [2, 3, 4, 8])
@pytest.mark.parametrize('name', ['baby', 'bird', 'butterfly', 'head', 'woman'])
def test_bicubic_set5_has_the_reference_values(data_root, factor, name):
    """Luma, border of the factor, windows inside the image: PSNR and SSIM as tabulated."""
    table = data_root / 'reference_metrics/set5_set14_bicubic_psnr_ssim.json'
    folder = data_root / 'set5_set14/Set5'
    if not (table.is_file() and folder.is_dir()):
        pytest.skip(f'{table} or {folder} does not exist')
    reference = json.loads(table.read_text())[f'Set5_x{factor}']['per_image'][name]
    with Image.open(folder / f'LR_bicubic/X{factor}/{name}x{factor}.png') as small:
        size = small.width * factor, small.height * factor
        pred = np.array(small.convert('RGB').resize(size, Image.Resampling.BICUBIC))
    with Image.open(folder / f'HR/{name}.png') as large:
        target = np.array(large.convert('RGB'))[: size[1], : size[0]]
    pair = (torch.from_numpy(x).double() / 127.5 - 1 for x in (pred, target))
    result = evaluate(ImageQuality(is_luma=True, border=factor), tuple(pair))
    assert result['image/psnr'] == pytest.approx(reference[0], abs=1e-4)
    assert result['image/ssim'] == pytest.approx(reference[1], abs=1e-5)
