"""The audio project: its mathematics, its files, its configs, its size."""

import shutil
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from torch import nn
from torch.utils.data import DataLoader

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from audio_1d import SoundQuality, Sounds, SoundWriter, note, picture  # noqa: E402

from ddmi_toolkit.apis import check_config, load_config, train  # noqa: E402
from ddmi_toolkit.apis.outputs import make_writer  # noqa: E402
from ddmi_toolkit.structures import Draw, Field, PlaneLayout, Points  # noqa: E402

RATE, SIZE = 4000, 1024
TIMES = (np.arange(SIZE) + 0.5) / RATE
LAYOUT = PlaneLayout(axes=[dict(name='t', size=SIZE, low=0.0, high=SIZE / RATE)], planes=['t'])


def peak(values, rate=RATE):
    """Frequency of the highest point of a spectrum, zeros appended to 1/16 of a bin."""
    spectrum = np.abs(np.fft.rfft(values * np.hanning(len(values)), 16 * len(values)))
    return spectrum.argmax() * rate / (16 * len(values))


def steady(count):
    """Seeds of notes that do not glide."""
    pitches = {s: note(s) for s in range(4 * count)}
    early, late = slice(0, SIZE // 2), slice(SIZE // 2, None)
    return [
        s
        for s, (pitch, sound) in pitches.items()
        if all(abs(peak(sound(TIMES)[part]) / pitch - 1) < 0.01 for part in (early, late))
    ][:count]


class Sine(nn.Module):
    """A field of one sine of amplitude 0.5."""

    def __init__(self, frequency):
        super().__init__()
        self.frequency = frequency

    def forward(self, state, coords, scale=None, dirs=None):
        """Values at the times."""
        return 0.5 * (2 * torch.pi * self.frequency * coords.dense().double()).sin()


def sine_field(frequency):
    """A batch of one."""
    return Field(Sine(frequency), dict(z=torch.zeros(1)), LAYOUT, 1)


def test_note_has_its_pitch_at_its_spectral_peak_and_pitches_are_semitones():
    """Within a few cents: vibrato averages out over two periods."""
    for seed in steady(16):
        pitch, sound = note(seed)
        assert abs(1200 * np.log2(peak(sound(TIMES)) / pitch)) < 10
        assert 12 * np.log2(pitch / 440) == pytest.approx(round(12 * np.log2(pitch / 440)))


def test_notes_are_below_the_nyquist_frequency():
    """So that 4000 samples per second lose nothing: 8 times as many show nothing above 2 kHz."""
    times = (np.arange(8 * SIZE) + 0.5) / (8 * RATE)
    for seed in range(64):
        power = np.abs(np.fft.rfft(note(seed)[1](times) * np.hanning(8 * SIZE))) ** 2
        assert power[SIZE // 2 :].sum() < 1e-6 * power.sum()
        assert np.abs(note(seed)[1](times)).max() <= 1


def test_items_depend_on_seed_and_visit_only():
    """Not on workers; a note is the same at each visit, the times that are asked for differ."""
    data = Sounds(8, first=5, upsample=None)
    alone, helped = (list(DataLoader(data, 4, num_workers=n)) for n in (0, 1))
    for a, b in zip(alone, helped, strict=True):
        assert a.pop('meta') == b.pop('meta')
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    once, again = data[Draw(3, visit=0, seed=7)], data[Draw(3, visit=1, seed=7)]
    assert torch.equal(once['inputs'], again['inputs'])
    assert not torch.equal(once['query']['t'], again['query']['t'])
    exact = note(5 + 3)[1](once['query']['t'].double().numpy())
    np.testing.assert_allclose(once['target'][:, 0], exact, atol=1e-3)  # float32 times


def test_samples_at_a_higher_rate_are_the_same_sound():
    """Every third of thrice as many samples is a sample of the input."""
    item = Sounds(1, upsample=3)[0]
    torch.testing.assert_close(item['target'][1::3, 0], item['inputs'][0])
    assert item['query']['t'].shape == (3 * SIZE,)


def write_pcm(path, values, bits, channels=1, rate=RATE):
    """A wav file by the standard library, each channel the same values."""
    with wave.open(str(path), 'wb') as file:
        file.setparams((channels, bits // 8, rate, 0, 'NONE', ''))
        levels = np.round(values * (2 ** (bits - 1) - 1)).astype(int) + 128 * (bits == 8)
        frames = [int(v).to_bytes(bits // 8, 'little', signed=bits > 8) * channels for v in levels]
        file.writeframes(b''.join(frames))


@pytest.mark.parametrize('bits', [8, 16, 24, 32])
@pytest.mark.parametrize('channels', [1, 2])
def test_wav_files_are_read_to_their_quantization(tmp_path, bits, channels):
    """Of a file that is just as long as an input, the samples themselves are the input."""
    exact = note(2)[1](TIMES)
    write_pcm(tmp_path / 'a.wav', exact, bits, channels)
    inputs = Sounds(1, folder=tmp_path)[0]['inputs'][0].numpy()
    assert np.abs(inputs - exact).max() < 2.0 ** (1 - bits) + 1e-3  # the filter of resample_poly


def test_names_end_in_wav_in_any_case(tmp_path):
    """Recorders write capitals; folders are searched to the bottom, in order of name."""
    (tmp_path / 'b').mkdir()
    for name in ('b/two.wav', 'One.WAV', 'c.Wav', 'wav', 'd.wave', 'e.mp3'):
        write_pcm(tmp_path / name, np.zeros(SIZE), 16)
    found = [str(p.relative_to(tmp_path)) for p in Sounds(3, folder=tmp_path).names]
    assert found == ['One.WAV', 'b/two.wav', 'c.Wav']
    assert len(Sounds(2, first=1, folder=tmp_path)) == 2
    with pytest.raises(ValueError, match='has 3 wav files'):
        Sounds(3, first=1, folder=tmp_path)


def test_channels_are_averaged(tmp_path):
    """Opposite channels are silence."""
    values = np.sin(2 * np.pi * 300 * TIMES).astype(np.float32)
    wavfile.write(tmp_path / 'a.wav', RATE, np.stack([values, -values], 1))
    assert Sounds(1, folder=tmp_path)[0]['inputs'].abs().max() < 1e-6


@pytest.mark.parametrize('own', [2000, 8000, 11025, 44100])
def test_resampling_keeps_the_frequency_of_a_tone(tmp_path, own):
    """And its level; the window lies inside the file."""
    times = np.arange(2 * own) / own
    write_pcm(tmp_path / 'a.wav', 0.5 * np.sin(2 * np.pi * 440 * times), 16, rate=own)
    inputs = Sounds(1, folder=tmp_path)[0]['inputs'][0].numpy()
    assert peak(inputs) == pytest.approx(440, abs=0.5)
    assert np.sqrt(2 * np.mean(inputs[64:-64] ** 2)) == pytest.approx(0.5, rel=0.02)


def test_what_the_rate_cannot_hold_is_filtered_out(tmp_path):
    """A tone of 3 kHz does not come back as one of 1 kHz."""
    times = np.arange(16000) / 16000
    write_pcm(tmp_path / 'a.wav', 0.5 * np.sin(2 * np.pi * 3000 * times), 16, rate=16000)
    assert Sounds(1, folder=tmp_path)[0]['inputs'][0, 64:-64].abs().max() < 0.005


def test_between_samples_of_a_file_lies_the_tone(tmp_path):
    """At random times, too, the values are those of the tone that the file holds."""
    write_pcm(tmp_path / 'a.wav', 0.5 * np.sin(2 * np.pi * 440 * np.arange(SIZE) / RATE), 16)
    item = Sounds(1, folder=tmp_path, upsample=None)[0]
    times = item['query']['t'].double().numpy()
    inside = (times > 0.02) & (times < 0.23)
    exact = 0.5 * np.sin(2 * np.pi * 440 * (times - 0.5 / RATE))
    np.testing.assert_allclose(item['target'][:, 0].numpy()[inside], exact[inside], atol=2e-3)


def test_stretches_of_a_file_differ_from_visit_to_visit(tmp_path):
    """And are reproducible."""
    write_pcm(tmp_path / 'a.wav', np.linspace(-0.9, 0.9, 8 * SIZE), 16)
    data = Sounds(1, folder=tmp_path)
    first, same, other = (data[Draw(0, visit=v)]['inputs'] for v in (0, 0, 1))
    assert torch.equal(first, same)
    assert (first - other).abs().min() > 1e-3


def test_errors_name_the_file_and_what_is_wrong(tmp_path):
    """Absent and empty folders, files that are no wav, or cut off, or too short."""
    remedy = r'; 3 \+ 2 are needed: add them, or set first and num_sounds'
    with pytest.raises(ValueError, match=r'absent is no folder' + remedy):
        Sounds(2, first=3, folder=tmp_path / 'absent')
    with pytest.raises(ValueError, match=f'{tmp_path} has 0 wav files' + remedy):
        Sounds(2, first=3, folder=tmp_path)
    path = tmp_path / 'a.wav'
    path.write_bytes(b'no sound at all')
    with pytest.raises(ValueError, match=r'a\.wav is no readable wav file'):
        Sounds(1, folder=tmp_path)[0]
    path.write_bytes(b'RIFF' + struct.pack('<I', 36) + b'WAVE')
    with pytest.raises(ValueError, match=r'a\.wav is no readable wav file'):
        Sounds(1, folder=tmp_path)[0]
    write_pcm(path, np.zeros(SIZE // 2), 16)
    with pytest.raises(ValueError, match=r'a\.wav has 512 samples, 1024 are needed'):
        Sounds(1, folder=tmp_path)[0]


@pytest.mark.parametrize('frequency', [50, 400, 1000])
def test_line_reproduces_band_limited_signals_to_the_error_of_linear_interpolation(frequency):
    """A sine at the nodes of a plane is itself there, and between them up to (w h)^2 / 8."""
    wave_at = lambda t: (2 * torch.pi * frequency * t).sin()  # noqa: E731
    plane = wave_at(torch.from_numpy(TIMES))[None, None, None]  # (1, 1, 1, size)
    fine = torch.rand(1, 999, 1, dtype=torch.float64) * 0.25 + 0.001
    for times, bound in ((torch.from_numpy(TIMES)[None, :, None], 1e-4), (fine, None)):
        points = Points(times, LAYOUT)
        values = points.spread('t', LAYOUT.sample('t', plane, points.project('t')))
        error = (values - wave_at(times)).abs().max()
        assert error <= (bound or (2 * torch.pi * frequency / RATE) ** 2 / 8 + 1e-9)


def test_spectrogram_shows_a_tone_in_its_row():
    """The brightest row is the frequency's, a full-scale sine is white, silence black."""
    values = torch.sin(2 * torch.pi * 500 * torch.from_numpy(TIMES).float())[None]
    image = picture(values)[0, 0].float()
    row = int(image[:, 64:-64].mean(1).argmax())
    assert (255.5 - row) / 256 * 2000 == pytest.approx(500, abs=35)
    assert image.max() == 255
    assert picture(torch.zeros(1, SIZE)).max() == 0


@pytest.mark.parametrize('size', [None, 4096])
def test_written_files_hold_the_field_at_any_rate(tmp_path, size):
    """To a level of 16 bits; more samples are a higher rate, not a longer sound."""
    writer = make_writer(LAYOUT, dict(size=size))
    assert isinstance(writer, SoundWriter)
    files, image = writer.write(sine_field(300), tmp_path / 'tone')
    rate, values = wavfile.read(files[0])
    n = size or SIZE
    assert (rate, len(values), image.shape) == (RATE * n // SIZE, n, (256, 256, 3))
    exact = 0.5 * np.sin(2 * np.pi * 300 * (np.arange(n) + 0.5) / rate)
    assert np.abs(values / 32767 - exact).max() < 1 / 32767  # half a level, and times in float32
    assert [f.suffix for f in files] == ['.wav', '.png']
    assert all(f.is_file() for f in files)


def test_metric_tells_the_same_sounds_from_others():
    """Distance 0 and full coverage of themselves; sines of one pitch are far and cover little."""
    reference = dict(type='Sounds', num_sounds=16)
    scores = []
    for waves in ([Sounds(16)[i]['inputs'][0] for i in range(16)], None):
        metric = SoundQuality(reference, dict(type='PixelExtractor', grid=12))
        for i in range(16):
            field = sine_field(300) if waves is None else _Recorded(waves[i])
            metric.process(dict(seed=torch.tensor([i])), [dict(field=field)])
        scores.append(metric.compute_metrics(metric.results))
    same, other = scores
    assert same['fid_pixels_12x12'] == pytest.approx(0, abs=1e-6)
    assert same['coverage_pixels_12x12'] == same['precision_pixels_12x12'] == 1
    assert other['fid_pixels_12x12'] > 1
    assert other['coverage_pixels_12x12'] < 0.5
    assert metric.protocol()['sound']['num_fakes'] == 16


class _Recorded:
    """A field that gives recorded samples."""

    layout = LAYOUT

    def __init__(self, values):
        self.values = values

    def render(self, size):
        """The samples."""
        assert tuple(size) == (SIZE,)
        return self.values[None, :, None]


def shrunk(name, work_dir):
    """A config of the project that trains one step in a moment."""
    small = {
        'model.encoder.base_channels': 4,
        'model.generator.decoder.base_channels': 4,
        'train_dataloader.dataset.num_sounds': 4,
        'val_dataloader.dataset.num_sounds': 2,
        'train_dataloader.batch_size': 2,
        'train_cfg.max_iters': 1,
        'default_hooks.checkpoint.interval': 1,
        'visualizer.vis_backends': [],
        'log_level': 'WARNING',
        'work_dir': str(work_dir / 'd2c_vae'),
    }
    if name.startswith('ddmi'):
        small = {f'first_stage.{k}': v for k, v in small.items()}
        small |= {
            'model.denoiser.model_channels': 32,
            'train_dataloader.batch_size': 2,
            'train_cfg.max_iters': 1,
            'model.diffuser.sampler.num_steps': 2,
            'visualizer.vis_backends': [],
            'log_level': 'WARNING',
            'work_dir': str(work_dir / 'ddmi'),
        }
    return load_config(PROJECT / 'configs' / name, small)


@pytest.mark.parametrize('name', ['d2c_vae/audio_tones.py', 'ddmi/audio_tones.py'])
def test_configs_build_and_train_a_step(name, tmp_path):
    """At their real size without memory, and shrunk for real: stage 2 trains both stages."""
    check_config(load_config(PROJECT / 'configs' / name))
    assert Path(train(shrunk(name, tmp_path))).name == 'iter_1.pth'


def test_tutorial_shows_configs_that_work(tmp_path, monkeypatch):
    """Those of sounds of one's own, as the README prints them."""
    monkeypatch.setenv('DDMI_DATA', str(tmp_path))
    text = (PROJECT / 'README.md').read_text(encoding='utf-8')
    blocks = [b.split('```')[0] for b in text.split('```python\n')[1:] if '_base_' in b[:9]]
    assert len(blocks) == 2
    for stage, block in zip(('d2c_vae', 'ddmi'), blocks, strict=True):
        folder = tmp_path / 'configs' / stage
        folder.mkdir(parents=True)
        (folder / 'my_sounds.py').write_text(block)
        shutil.copy(PROJECT / 'configs' / stage / 'audio_tones.py', folder)
    cfg = load_config(tmp_path / 'configs/ddmi/my_sounds.py')
    check_config(cfg)
    wanted = cfg.train_dataloader.dataset.dataset
    assert wanted.folder == str(tmp_path / 'my_sounds')
    (evaluator,) = cfg.test_evaluator
    assert evaluator.reference.folder == wanted.folder
    assert evaluator.reference.num_sounds <= wanted.first


def test_domain_is_added_in_150_lines():
    """All Python of the project beside tests and configs, blank lines and comments included."""
    files = [p for p in PROJECT.rglob('*.py') if not {'tests', 'configs'} & set(p.parts)]
    assert sum(len(p.read_text(encoding='utf-8').splitlines()) for p in files) <= 150
