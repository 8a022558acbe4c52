"""Three-frame snippets, as the training wants them: varied, resized, with their intrinsics."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsd_ros import settings
from lsd_ros.datasets.stereo import StereoPair, beside
from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import SettingError
from lsd_ros.geometry.resize import size_in_aspect, thumbnail_difference
from lsd_ros.settings import setting
from lsd_ros.training.data.augmentation import AugmentationSettings, recoloured
from lsd_ros.training.data.depth_mix import RgbdImage, depth_mix
from lsd_ros.training.data.frame_cache import CacheSettings, FrameCache
from lsd_ros.training.data.snippet_batch import Snippet
from lsd_ros.training.data.snippet_index import (
    Place,
    gap_by_motion,
    gaps_by_parallax,
    places,
    reachable,
    single_images,
)
from lsd_ros.training.data.source_shares import SourceShare, repeated
from lsd_ros.training.data.virtual_turns import turned_neighbours
from lsd_ros.training.data.window import Window, central_window, random_window
from lsd_ros.types import Camera

SIZE_MULTIPLE = 32  # of both networks: five stages that halve
_ATTEMPTS = 20


@dataclass(frozen=True)
class SnippetSettings:
    """Which frames make a sample, and how large it is."""

    single_images: bool = setting(
        False,
        'Every image is a sample of its own, without neighbours: for what learns from '
        'data.true_depth or from a teacher alone',
    )
    width: int = setting(416, 'Width of the network input ([0084])', minimum=32, maximum=8192)
    height: int = setting(128, 'Height of the network input ([0084])', minimum=32, maximum=8192)
    fit: str = setting(
        'keep_aspect',
        'How an image of another aspect fits: the size changed to about as many pixels in the '
        'aspect of the image, a part of the image, or all of it stretched',
        choices=('keep_aspect', 'crop', 'stretch'),
    )
    gap: int = setting(
        0,
        'Frames from the middle one to its neighbours; 0: by the motion in each sequence',
        minimum=0,
        maximum=100,
    )
    min_flow: float = setting(
        0.02,
        'Image motion that the gap is chosen for, as a share of the width',
        minimum=0,
        maximum=1,
    )
    parallax_px: float = setting(
        0.0,
        'Each image has its own gap, the smallest that shows so much parallax without the turn of '
        'the camera, at 416 pixels width [pixels]; 2 to 4 suit handheld cameras; 0: by data.gap',
        minimum=0,
        maximum=100,
    )
    max_gap: int = setting(8, 'Largest gap chosen by motion or parallax', minimum=1, maximum=100)
    gap_multiples: tuple[int, ...] = setting(
        (1,),
        'Each neighbour is drawn at one of these multiples of the gap, so that one place is seen '
        'at several speeds; 0 shows the middle again, as if standing still: for the pose network '
        'alone',
    )
    max_step_s: float = setting(
        1.0,
        'Consecutive frames further apart than this are in no common snippet [s]',
        minimum=1e-3,
        maximum=3600,
    )
    min_difference: float = setting(
        1.0,
        'Snippets whose neighbours differ less than this from the middle are replaced by others '
        '[grey levels]; 0: none is',
        minimum=0,
        maximum=255,
    )
    stereo: tuple[str, ...] = setting(
        (),
        'Stereo pairs "LEFT RIGHT METRES": the names of two rectified sequences with the same '
        'stamps, and how far apart their cameras are; each is then also a neighbour of the other',
    )
    motion_from_poses: bool = setting(
        False,
        'Whether the poses of sequences are good enough to take the place of estimated motions: '
        'those of SLAM or motion capture are, those of wheels are not',
    )
    true_depth: bool = setting(
        False, 'Whether depth of the target is read, too, from sequences that have it'
    )
    shares: tuple[str, ...] = setting(
        (),
        'How often each source is drawn, "PATTERN SHARE" of the names of its sequences, such as '
        '["kitti_* 0.5", "* 0.5"]; empty: every image alike',
    )
    seed: int = setting(0, 'Of everything random', minimum=0, maximum=2**31 - 1)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)

    def __post_init__(self) -> None:
        """Check every value and the stereo pairs."""
        settings.check(self)
        if not self.gap_multiples or min(self.gap_multiples) < 0 or max(self.gap_multiples) < 1:
            raise SettingError(
                f'data.gap_multiples is {self.gap_multiples}: give whole numbers from 0 on, and '
                'not only 0'
            )
        if self.parallax_px and self.gap:
            raise SettingError(
                f'data.gap is {self.gap} and data.parallax_px {self.parallax_px}: both choose '
                'neighbours; set one of them to 0'
            )
        if self.augmentation.depth_mix and not self.true_depth:
            raise SettingError(
                f'data.augmentation.depth_mix is {self.augmentation.depth_mix}: it compares true '
                'depth; set data.true_depth to true'
            )
        for pair in self.stereo:
            StereoPair.parse(pair)
        for share in self.shares:
            SourceShare.parse(share)


class SnippetDataset(torch.utils.data.Dataset[Snippet]):
    """
    Every snippet of some sequences.

    A sample depends on the settings, its index and its epoch, and on nothing else.

    :raises DatasetError: a sequence is shorter than three frames or cannot be read, no snippet is
        left, or the cache does not fit
    """

    def __init__(self, sequences: Sequence[TrainingSequence], given: SnippetSettings) -> None:
        """List the snippets; where the gap is chosen by motion, a few frames are looked at."""
        self.settings = given
        self._sequences = sequences
        self._fit = 'stretch' if given.fit == 'stretch' else 'crop'
        self._sizes = [_size(sequence.camera, given) for sequence in sequences]
        self.cache = FrameCache(sequences, self._sizes, self._fit, given.cache)
        pairs = () if given.single_images else given.stereo
        self._beside = beside([StereoPair.parse(pair) for pair in pairs], sequences)
        alone = given.single_images
        self.gaps = [0 if alone else self._gap(number) for number in range(len(sequences))]
        self.places = self._places()
        self._by_size: dict[tuple[int, int], list[int]] = {}
        for index, place in enumerate(self.places):
            self._by_size.setdefault(self._sizes[place.sequence], []).append(index)
        self.groups = self._drawn_by_size()

    def _places(self) -> list[Place]:
        sequences = self._sequences
        if self.settings.single_images:
            return single_images(sequences)
        return places(sequences, self.gaps, self.settings.max_step_s) + [
            Place(number, index, 0, 0, other)
            for number, (other, _) in self._beside.items()
            for index in range(len(sequences[number]))
        ]

    def __len__(self) -> int:
        """Return the number of snippets."""
        return len(self.places)

    def _drawn_by_size(self) -> list[list[int]]:
        """
        Return the indices of the snippets of each size: only those fit into one batch.

        An index is there as often as the share of its source asks for.

        :raises DatasetError: the shares do not fit the sequences
        """
        if not self.settings.shares:
            return list(self._by_size.values())
        names = [sequence.name for sequence in self._sequences]
        shares = [SourceShare.parse(share) for share in self.settings.shares]
        drawn: dict[tuple[int, int], list[int]] = {}
        for index in repeated(names, [place.sequence for place in self.places], shares):
            drawn.setdefault(self._sizes[self.places[index].sequence], []).append(index)
        return list(drawn.values())

    def __getitem__(self, draw: int | tuple[int, int]) -> Snippet:
        """
        Make a snippet.

        :param draw: index, or index and epoch
        :raises DatasetError: an image cannot be decoded, or is of another size than its camera
        """
        index, epoch = (draw, 0) if isinstance(draw, int) else draw
        if not 0 <= index < len(self):
            raise IndexError(f'snippet {index} of {len(self)}')
        rng = np.random.default_rng((self.settings.seed, epoch, index))
        place, frames = self._moving(index)
        drawn = self._drawn(place, rng)
        if drawn != place:
            place, frames = drawn, self._frames(drawn)
        return self._snippet(place, frames, rng)

    def _gap(self, number: int) -> int | NDArray[np.int64]:
        given, sequence = self.settings, self._sequences[number]
        if given.parallax_px and len(sequence) >= 3:
            return gaps_by_parallax(
                len(sequence),
                lambda i: self.cache.image(number, i),
                self.cache.camera(number),
                given.parallax_px,
                given.max_gap,
            )
        if given.gap or len(sequence) < 3:
            return given.gap or 1
        return gap_by_motion(
            len(sequence), lambda i: self.cache.image(number, i), given.min_flow, given.max_gap
        )

    def _drawn(self, place: Place, rng: np.random.Generator) -> Place:
        """Draw how far the neighbours are; one that is not there stays where it was."""
        given = self.settings
        if place.beside is not None or given.single_images or given.gap_multiples == (1,):
            return place
        if not given.augmentation.enabled:
            return place
        before, after = rng.choice(given.gap_multiples, 2).tolist()
        sequence = self._sequences[place.sequence]
        wider = place._replace(before=before * place.before, after=after * place.after)
        start, middle, end = wider.frames
        if not reachable(sequence, start, middle, given.max_step_s):
            wider = wider._replace(before=place.before)
        if not reachable(sequence, middle, end, given.max_step_s):
            wider = wider._replace(after=place.after)
        return wider

    def _moving(self, index: int) -> tuple[Place, list[NDArray[np.uint8]]]:
        """Return the snippet of an index; a still one is replaced, always by the same."""
        random = np.random.default_rng((self.settings.seed, index))
        others = self._by_size[self._sizes[self.places[index].sequence]]
        for _ in range(_ATTEMPTS):
            place = self.places[index]
            frames = self._frames(place)
            least = 0.0 if len(frames) == 1 else self.settings.min_difference
            if not least or min(thumbnail_difference(f, frames[1]) for f in frames[::2]) >= least:
                break
            index = others[random.integers(len(others))]
        return place, frames

    def _frames(self, place: Place) -> list[NDArray[np.uint8]]:
        if self.settings.single_images:
            return [self.cache.image(place.sequence, place.middle)]
        if place.beside is None:
            return [self.cache.image(place.sequence, index) for index in place.frames]
        other = self.cache.image(place.beside, place.middle)
        return [other, self.cache.image(place.sequence, place.middle), other]

    def _known_motions(self, place: Place, window: Window) -> NDArray[np.float32]:
        if place.beside is not None:
            _, other_from_this = self._beside[place.sequence]
            motions = np.stack([other_from_this, other_from_this])
        elif self.settings.motion_from_poses:
            motions = _motions(self._sequences[place.sequence], place)
        else:
            motions = np.full((2, 4, 4), np.nan, np.float32)
        return window.motions(motions)

    def _true_depth(self, place: Place, window: Window) -> NDArray[np.float32]:
        if not self.settings.true_depth:
            return np.empty((1, 0, 0), np.float32)
        depth = self._sequences[place.sequence].depth(place.middle)
        if depth is None:
            width, height = window.size
            return np.full((1, height, width), np.nan, np.float32)
        camera = self.cache.camera(place.sequence)
        return window.depth(depth, camera.width, camera.height)[None]

    def _mixed(
        self, rng: np.random.Generator, place: Place, window: Window, target: RgbdImage
    ) -> RgbdImage:
        """Put nearer things of another target into this one."""
        given, camera = self.settings.augmentation, self.cache.camera(place.sequence)
        draw, flip = rng.random() < given.depth_mix, bool(rng.random() < given.flip)
        other = self.places[rng.choice(self._by_size[self._sizes[place.sequence]])]
        theirs = self.cache.camera(other.sequence)
        if not draw or (theirs.width, theirs.height) != (camera.width, camera.height):
            return target
        window = dataclasses.replace(window, flip=flip)
        image = window.image(self.cache.image(other.sequence, other.middle))
        # what a longer lens shows as large as it is here is nearer here
        depth = self._true_depth(other, window)[0] * np.float32(camera.fx / theirs.fx)
        return depth_mix(target, RgbdImage(image, depth))

    def _snippet(
        self, place: Place, frames: list[NDArray[np.uint8]], rng: np.random.Generator
    ) -> Snippet:
        given, camera = self.settings, self.cache.camera(place.sequence)
        size = self._sizes[place.sequence]
        window = central_window(camera.width, camera.height, size, self._fit)
        if given.augmentation.enabled:
            window = random_window(
                rng, camera.width, camera.height, size, self._fit, given.augmentation
            )
        images = jittered = [window.image(frame) for frame in frames]
        depth = self._true_depth(place, window)
        if given.augmentation.enabled:
            if given.augmentation.depth_mix:
                middle = len(images) // 2
                mixed = self._mixed(rng, place, window, RgbdImage(images[middle], depth[0]))
                jittered, depth = list(images), mixed.depth[None]
                jittered[middle] = mixed.image
            jittered = recoloured(rng, jittered, given.augmentation)
        sequence = self._sequences[place.sequence]
        intrinsics = window.camera(camera).matrix.astype(np.float32)
        motions = self._known_motions(place, window)
        if given.augmentation.enabled and given.augmentation.turn_deg:
            jittered, motions = turned_neighbours(
                rng, jittered, motions, intrinsics, given.augmentation.turn_deg
            )
        return Snippet(
            images=_planes(images),
            jittered=_planes(jittered),
            intrinsics=torch.from_numpy(intrinsics),
            translations=torch.from_numpy(translations(sequence, place)),
            known_motions=torch.from_numpy(motions),
            true_depth=torch.from_numpy(depth),
            name=sequence.name,
            stamp_ns=int(sequence.stamps_ns[place.middle]),
        )


def _size(camera: Camera, given: SnippetSettings) -> tuple[int, int]:
    """Return (width, height) of the network input for a camera, as when the weights are used."""
    if given.fit != 'keep_aspect':
        return given.width, given.height
    pixels = given.width * given.height
    return size_in_aspect(pixels, camera.width, camera.height, SIZE_MULTIPLE)


def translations(sequence: TrainingSequence, place: Place) -> NDArray[np.float32]:
    """Return how far the camera moved before and after the middle [m], NaN where unknown."""
    if place.beside is not None:
        return np.full(2, np.nan, np.float32)
    poses = [world_from_camera(sequence, index) for index in place.frames]
    lengths = [
        np.nan if a is None or b is None else np.linalg.norm(b[:3, 3] - a[:3, 3])
        for a, b in itertools.pairwise(poses)
    ]
    return np.array(lengths, np.float32)


def _motions(sequence: TrainingSequence, place: Place) -> NDArray[np.float32]:
    """Return first_from_middle and last_from_middle, shape (2, 4, 4) [m], NaN where unknown."""
    first, middle, last = (world_from_camera(sequence, index) for index in place.frames)
    motions = [
        np.full((4, 4), np.nan) if end is None or middle is None else np.linalg.inv(end) @ middle
        for end in (first, last)
    ]
    return np.array(motions, np.float32)


def _planes(images: list[NDArray[np.uint8]]) -> Tensor:
    # OpenCV takes pixels apart many times faster than a transposed copy
    return torch.from_numpy(np.stack([np.stack(cv2.split(image)) for image in images]))
