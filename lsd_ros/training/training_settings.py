"""The settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

PHOTOMETRIC = 'photometric'  # the figure of validation that needs no true depth


@dataclass(frozen=True)
class OptimiserSettings:
    """How gradients become weights."""

    kind: str = setting('adam', 'Optimiser', choices=('adam', 'adamw'))
    learning_rate: float = setting(
        1e-4, 'Learning rate after the warm-up', minimum=1e-9, maximum=10
    )
    weight_decay: float = setting(0.0, 'Pull of weights towards 0', minimum=0, maximum=1)
    clip_norm: float = setting(
        10.0, 'Longest gradient; a longer one is shortened; 0: any length', minimum=0
    )
    schedule: str = setting(
        'cosine',
        'How the learning rate falls: not at all, by steps, or along a cosine to '
        'optimiser.final_factor',
        choices=('constant', 'step', 'cosine'),
    )
    warmup_steps: int = setting(
        100, 'Steps over which the learning rate grows from 0', minimum=0, maximum=10**7
    )
    final_factor: float = setting(
        0.01, 'Last learning rate of the cosine, as a share of the first', minimum=0, maximum=1
    )
    drop_at: tuple[float, ...] = setting(
        (0.75,), 'Where the learning rate falls by steps, as shares of loop.max_steps'
    )
    drop_factor: float = setting(
        0.1, 'What each step multiplies the learning rate with', minimum=1e-6, maximum=1
    )
    average: float = setting(
        0.999,
        'Decay of the moving average of the weights, which is what is used in the end; 0: none',
        minimum=0,
        maximum=0.999999,
    )

    def __post_init__(self) -> None:
        """Check every value and the shares."""
        settings.check(self)
        if not all(isinstance(s, int | float) and 0 < s <= 1 for s in self.drop_at):
            raise SettingError(f'drop_at is {self.drop_at}: it must be shares between 0 and 1')


@dataclass(frozen=True)
class LoopSettings:
    """How long, how many at once, and on what."""

    max_steps: int = setting(20000, 'Length of the training', minimum=1, maximum=10**9)
    batch_size: int = setting(
        8, 'Samples of one step, of all processes together', minimum=1, maximum=10**5
    )
    accumulation: int = setting(
        1,
        'Parts that a step is computed in, one after the other, where memory is short; each part '
        'is of one image size, and normalised alone',
        minimum=1,
        maximum=10**5,
    )
    seed: int = setting(
        0, 'Of everything random; the same seed repeats on the CPU', minimum=0, maximum=2**31 - 1
    )
    device: str = setting(
        'auto',
        'Where to train; auto: on CUDA where there is such a device, else on the CPU',
        choices=('auto', 'cpu', 'cuda'),
    )
    precision: str = setting(
        'full',
        'Numbers that the networks compute with; the losses always compute with 32 bits. auto '
        'times a few steps at the start',
        choices=('full', 'bf16', 'fp16', 'auto'),
    )
    memory_format: str = setting(
        'channels_last',
        'How maps lie in memory; auto times a few steps at the start',
        choices=('channels_last', 'contiguous', 'auto'),
    )
    workers: int = setting(
        1, 'Processes that prepare data; 0: the training itself', minimum=0, maximum=256
    )
    threads: int = setting(
        0,
        'CPU threads of a training process; 0: the cores that its workers leave',
        minimum=0,
        maximum=1024,
    )

    def __post_init__(self) -> None:
        """Check every value, and that the parts of a step are alike."""
        settings.check(self)
        if self.batch_size % self.accumulation:
            raise SettingError(
                f'loop.batch_size is {self.batch_size}: it must be a multiple of '
                f'loop.accumulation, which is {self.accumulation}'
            )


@dataclass(frozen=True)
class RecordSettings:
    """What is written during the training, and how often."""

    log_every: int = setting(50, 'Steps between two lines of figures', minimum=1, maximum=10**9)
    picture_every: int = setting(
        500, 'Steps between two sets of pictures; 0: none', minimum=0, maximum=10**9
    )
    checkpoint_every: int = setting(500, 'Steps between two checkpoints', minimum=1, maximum=10**9)
    keep_last: int = setting(3, 'Newest checkpoints that are kept', minimum=2, maximum=10**6)
    keep_every: int = setting(
        5000,
        'Checkpoints whose step is a multiple of this are kept for good; 0: none',
        minimum=0,
        maximum=10**9,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class ValidationSettings:
    """How often held-out sequences are looked at, and what is best."""

    every: int = setting(500, 'Steps between two validations', minimum=1, maximum=10**9)
    images: int = setting(
        40, 'Most images of each sequence, spread over it', minimum=1, maximum=10**6
    )
    figure: str = setting(
        'abs_rel',
        'What the best checkpoint is best in: the mean of this figure over the sequences; depth '
        'errors are after median scaling; photometric needs no true depth, and is how well '
        'neighbours rebuild an image by both networks',
        choices=('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3', PHOTOMETRIC),
    )
    patience: int = setting(
        0,
        'Validations without a better one after which the training stops early; 0: it never does',
        minimum=0,
        maximum=10**6,
    )
    max_depth_m: float = setting(
        80.0, 'True depth beyond this does not count [m]', minimum=0.1, maximum=1e5
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class TrainerSettings:
    """Everything that the training loop can be told."""

    loop: LoopSettings = field(default_factory=LoopSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    record: RecordSettings = field(default_factory=RecordSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
