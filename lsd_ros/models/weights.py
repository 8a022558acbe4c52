"""What a weights file says, without the networks in it: reading that needs no torch."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lsd_ros import settings
from lsd_ros.errors import LsdError, WeightsError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.licence import forbids_commercial_use, tell_once
from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.stored_weights import FORMAT, read_stored
from lsd_ros.types import MotionNoise

if TYPE_CHECKING:
    from lsd_ros.models.pose_net import PoseNet
    from lsd_ros.models.small_depth_net import SmallDepthNet

# what JSON may give for fields of these types
_CARD_KINDS = {'str': (str,), 'bool': (bool,), 'float': (float, int)}


@dataclass(frozen=True)
class WeightsCard:
    """
    Where weights come from and what they may be used for.

    :param name: short name
    :param trained: False for random weights, whose depth means nothing
    :param metric: whether network depth times ``metres_per_unit`` is metres
    :param metres_per_unit: 1 where the weights are not metric
    :param focal_px: focal length at network size that metres were learned for; another camera's
        metres are longer by as much as its own is [pixels]; 0: metres do not depend on it
    :param camera_height_m: height above the ground of the cameras that metres were learned from;
        0: various, or not known [m]
    :param licence: licence that the training data puts on the weights; empty: none beyond ours
    :param commercial_use: False: a licence of the training data forbids it; True says no more
        than that none is known to
    :param data: names of the training sets
    :param command: what made the file
    :param note: anything else worth saying
    :param uncertainty_factor: what the deviation that the depth network says is multiplied with,
        measured against truth; 1: never measured, or right as it is
    :param motion_noise: how wrong the motions are, measured against true ones; None: never
    """

    name: str
    trained: bool
    metric: bool = False
    metres_per_unit: float = 1.0
    focal_px: float = 0.0
    camera_height_m: float = 0.0
    licence: str = ''
    commercial_use: bool = True
    data: tuple[str, ...] = ()
    command: str = ''
    note: str = ''
    uncertainty_factor: float = 1.0
    motion_noise: MotionNoise | None = None

    def __post_init__(self) -> None:
        """Check all that is a number."""
        for name in ('metres_per_unit', 'uncertainty_factor'):
            if not 0 < getattr(self, name) < math.inf:
                raise WeightsError(f'{name} {getattr(self, name)} must be positive and finite')
        for name in ('focal_px', 'camera_height_m'):
            if not 0 <= getattr(self, name) < math.inf:
                raise WeightsError(f'{name} {getattr(self, name)} must be finite, not negative')


@dataclass(frozen=True)
class Weights:
    """
    Both networks and all that is needed to use them.

    :param depth: the small depth network
    :param pose: the pose network
    :param preprocessing: from camera image to network input
    :param depths: what disparity 0 and 1 stand for [network units]
    :param card: provenance
    :param sha256: of the file that they were read from; empty: not from a file
    :param path: of that file; None: not from a file
    """

    depth: SmallDepthNet
    pose: PoseNet
    preprocessing: Preprocessing
    depths: DisparityRange
    card: WeightsCard
    sha256: str = ''
    path: Path | None = None

    @property
    def depth_shape(self) -> SmallDepthSettings:
        """Return the shape of the depth network."""
        return self.depth.shape

    @property
    def pose_shape(self) -> PoseSettings:
        """Return the shape of the pose network."""
        return self.pose.shape


class Header(NamedTuple):
    """What a weights file says beside its numbers."""

    depth: SmallDepthSettings
    pose: PoseSettings
    preprocessing: Preprocessing
    depths: DisparityRange
    card: WeightsCard

    @classmethod
    def of(cls, metadata: dict[str, str], path: str | Path) -> Header:
        """
        Read it.

        :param metadata: texts of the header
        :param path: of the file, for people
        :raises WeightsError: this version cannot read it
        """
        try:
            with ForeignCode(WeightsError, 'it is damaged'):
                return cls(
                    settings.build(SmallDepthSettings, json.loads(metadata['depth'])),
                    settings.build(PoseSettings, json.loads(metadata['pose'])),
                    settings.build(Preprocessing, json.loads(metadata['preprocessing'])),
                    DisparityRange(**json.loads(metadata['depths'])),
                    _card(json.loads(metadata['card'])),
                )
        except LsdError as error:
            raise WeightsError(
                f'weights {path} have a header that this version cannot read ({error}): '
                'make them again, or use the version of lsd_ros that wrote them'
            ) from error


class UnbuiltWeights(Weights):
    """
    Weights whose networks are built where somebody asks for them.

    :param header: all but the networks
    :param sha256: of the file
    :param path: of the file
    :param load: loads the file, with its networks
    """

    def __init__(
        self, header: Header, sha256: str, path: Path, load: Callable[[], Weights]
    ) -> None:
        values = {
            'preprocessing': header.preprocessing,
            'depths': header.depths,
            'card': header.card,
            'sha256': sha256,
            'path': path,
            '_shapes': (header.depth, header.pose),
            '_load': load,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @functools.cached_property
    def _built(self) -> Weights:
        load: Callable[[], Weights] = self.__dict__['_load']
        built = load()
        if built.sha256 != self.sha256:
            raise WeightsError(
                f'the file of the weights {self.card.name} was written anew while they were in '
                'use: start again'
            )
        return built

    @property
    def depth(self) -> SmallDepthNet:
        """Build the depth network, if it is not there yet."""
        return self._built.depth

    @property
    def pose(self) -> PoseNet:
        """Build the pose network, if it is not there yet."""
        return self._built.pose

    @property
    def depth_shape(self) -> SmallDepthSettings:
        """See :attr:`Weights.depth_shape`."""
        shapes: tuple[SmallDepthSettings, PoseSettings] = self.__dict__['_shapes']
        return shapes[0]

    @property
    def pose_shape(self) -> PoseSettings:
        """See :attr:`Weights.pose_shape`."""
        shapes: tuple[SmallDepthSettings, PoseSettings] = self.__dict__['_shapes']
        return shapes[1]


def read_weights(path: str | Path) -> Weights:
    """
    Read a weights file, and build its networks no sooner than somebody asks for them.

    Whoever runs networks that were compiled before needs no torch this way. The file is checked
    by its SHA-256; what the licence of its training data forbids is logged, once in a process.

    :param path: of the file, or the name of weights that come with the package
    :raises WeightsError: see :func:`lsd_ros.models.checkpoint.load_weights`
    """
    path = weights_file(path)

    def load() -> Weights:
        try:
            from lsd_ros.models.checkpoint import load_weights  # loads torch
        except (ImportError, OSError) as error:
            raise WeightsError(
                f'weights {path} cannot be read without torch, which cannot be loaded ({error}): '
                'pip install torch'
            ) from error
        return load_weights(path)

    metadata = read_stored(path).metadata
    if metadata['format'] != FORMAT:  # its SHA-256 is that of the tensors
        return load()
    header = Header.of(metadata, path)
    tell_once(header.card.name, header.card.licence, commercial_use=header.card.commercial_use)
    return UnbuiltWeights(header, metadata['sha256'], path, load)


def _card(given: dict[str, Any]) -> WeightsCard:
    for field in dataclasses.fields(WeightsCard):
        kinds = _CARD_KINDS.get(str(field.type))
        if field.name in given and kinds and type(given[field.name]) not in kinds:
            raise WeightsError(f'{field.name} of its card is {given[field.name]!r}')
    noise = given.get('motion_noise')
    if noise is not None:
        turns = {name: tuple(noise[name]) for name in ('rotation_deg', 'rotation_memory_s')}
        noise = MotionNoise(**{**noise, **turns})
    read = {**given, 'data': tuple(given['data']), 'motion_noise': noise}
    # files that were written before this was a field
    read.setdefault('commercial_use', not forbids_commercial_use(given.get('licence', '')))
    return WeightsCard(**read)
