"""Sound, a fifth domain: its data, what judges it, and its files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.io import wavfile
from scipy.signal import resample_poly

from ddmi_toolkit.apis.outputs import WRITERS
from ddmi_toolkit.apis.writers import FieldWriter
from ddmi_toolkit.datasets import AbstractDataset
from ddmi_toolkit.evaluation import AbstractExtractor
from ddmi_toolkit.evaluation.set_quality import AbstractSetQuality
from ddmi_toolkit.evaluation.set_values import SetValues
from ddmi_toolkit.evaluation.subjects import AbstractSubject
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.structures import Field, PlaneLayout, Signal, magnified_size
from ddmi_toolkit.visualization import save_image


def note(seed: int) -> tuple[float, Callable]:
    """Pitch (Hz, a semitone of 110 to 415) and sound, a function of times `(n,)` in seconds."""
    rng = np.random.default_rng(seed)
    pitch = 110 * 2 ** (rng.integers(24) / 12)
    glide = rng.uniform(-0.4, 0.4) * (rng.random() < 0.25)  # one in four
    vibrato, bright, attack, decay = rng.uniform([0, 0.1, 0.005, 0.08], [0.01, 0.6, 0.04, 0.5])
    powers = bright ** np.arange(4)

    def sound(t: np.ndarray) -> np.ndarray:
        swing = vibrato * (1 - np.cos(16 * np.pi * t)) / (16 * np.pi)
        phase = 2 * np.pi * pitch * (t + glide * t**2 / 2 + swing)
        waves = np.sin(np.multiply.outer(phase, np.arange(1, 5))) @ powers / powers.sum()
        return waves * (1 - np.exp(-t / attack)) * np.exp(-t / decay)

    return pitch, sound


@DATASETS.register_module()
class Sounds(AbstractDataset):
    """Notes of the seeds from `first` on, or random stretches of the wav files of a `folder`.

    Inputs `(1, size)` are samples at `rate` Hz; targets `(Q, 1)` are values at times `t (Q,)` in
    seconds: of all samples at `upsample` times the rate, or (None) at `size` random ones.
    """

    def __init__(
        self,
        num_sounds: int,
        first: int = 0,
        folder: str | None = None,
        size: int = 1024,
        rate: int = 4000,
        upsample: int | None = 1,
        pipeline: Sequence[dict] = (),
    ) -> None:
        super().__init__(pipeline)
        files = [] if folder is None else sorted(Path(folder).rglob('*.[wW][aA][vV]'))
        self.names = (range(first + num_sounds) if folder is None else files)[first:][:num_sounds]
        if len(self.names) < num_sounds:
            found = f'has {len(files)} wav files' if Path(folder).is_dir() else 'is no folder'
            needs = f'{first} + {num_sounds} are needed: add them, or set first and num_sounds'
            raise ValueError(f'{folder} {found}; {needs}')
        self.size, self.rate, self.upsample = size, rate, upsample

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int, rng: np.random.Generator) -> dict:
        """The sample; ValueError if a file is broken or too short."""
        name, up, seconds = self.names[index], self.upsample or 1, self.size / self.rate
        sound = note(name)[1] if isinstance(name, int) else self._stretch(name, rng)
        sampled, times = ((np.arange(n) + 0.5) / n * seconds for n in (self.size, up * self.size))
        if self.upsample is None:
            times = rng.uniform(0, seconds, self.size)
        x, t, y = (torch.from_numpy(v).float() for v in (sound(sampled), times, sound(times)))
        return dict(inputs=x[None], query=dict(t=t), target=y[:, None], meta=dict(name=str(name)))

    def _stretch(self, path: Path, rng: np.random.Generator) -> Callable:
        """A stretch of a file, from a random place on, linear between 16 times the samples."""
        try:
            own, wave = wavfile.read(path)
        except Exception as error:  # of many kinds
            raise ValueError(f'{path} is no readable wav file ({error}); remove it') from error
        count = -(-self.size * own // self.rate)
        if len(wave) < count:
            raise ValueError(f'{path} has {len(wave)} samples, {count} are needed; remove it')
        wave = wave[rng.integers(len(wave) - count + 1) :][:count].reshape(count, -1)
        if wave.dtype.kind in 'iu':  # 8 bits have no sign; 24 bits come as 32
            wave = wave / 2.0 ** (8 * wave.itemsize - 1) - (wave.dtype.kind == 'u')
        for up, down in ((self.rate, own), (16, 1)):
            wave = resample_poly(wave, up, down, padtype='line')
        return lambda t: np.interp(t * self.rate - 0.5, np.arange(len(wave)) / 16, wave.mean(1))


def picture(waves: torch.Tensor) -> torch.Tensor:
    """Spectrograms `(B, 3, 256, 256)` uint8 of `(B, n)`: low frequencies below, 0 to -50 dB."""
    size = waves.shape[-1] // 8
    window = torch.hann_window(size, device=waves.device)
    spectra = torch.stft(waves, size, size // 16, window=window, return_complex=True)
    levels = 10 * ((2 / window.sum() * spectra.abs()) ** 2 + 1e-5).log10()  # of a full-scale sine
    shares = F.interpolate(levels[:, None].flip(2), (256, 256)).clamp(-50, 0) / 50 + 1
    return (255 * torch.cat([shares**p for p in (0.6, 1.5, 4)], 1)).byte()  # red, yellow, white


class Spectrograms(AbstractSubject):
    """What sets of sounds are compared by; of a field, at its layout's own rate."""

    plural, truth, size = 'spectrograms', 'inputs', (256, 256)

    def shown(self, sample: dict) -> torch.Tensor:
        return picture(sample['field'].render(magnified_size(sample['field'].layout, 1))[..., 0])

    def true(self, item: dict, what: str) -> torch.Tensor:
        return picture(item['inputs'])

    def protocol(self) -> dict:
        return dict(size=self.size, spectrograms='Hann window of 1/8, hop 1/128, 0 to -50 dB')


@METRICS.register_module()
class SoundQuality(AbstractSetQuality):
    """Fréchet distance ('fid'), precision, recall, density and coverage of spectrograms."""

    default_prefix, EXTRACTOR = 'sound', (AbstractExtractor, 'PixelExtractor')

    def __init__(self, reference: dict, extractor: dict | None = None) -> None:
        values = SetValues(*[('fid', 'precision', 'recall', 'density', 'coverage')] * 2, 'sounds')
        given = dict(reference=reference, extractor=extractor, num_references=None, batch_size=64)
        super().__init__(Spectrograms(), values, cache_dir=None, prefix=None, **given)


class SoundWriter(FieldWriter):
    """16-bit wav of `size` samples (None: the layout's) and a spectrogram; `tools/generate.py`."""

    def __init__(self, layout: PlaneLayout, size: int | None = None) -> None:
        self.size = size or layout.axes['t'].size
        self.rate = round(self.size / (layout.axes['t'].high - layout.axes['t'].low))

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        wave = field.render((self.size,))[..., 0].clamp(-1, 1).cpu()
        path, values = Path(f'{stem}.wav'), (32767 * wave[0].numpy()).round().astype(np.int16)
        wavfile.write(path, self.rate, values)
        image = picture(wave)[0].permute(1, 2, 0).numpy()
        return [path, save_image(image, f'{stem}.png')], image


WRITERS[Signal.LINE] = SoundWriter
