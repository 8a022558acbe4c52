"""A synthetic world with exact depth, poses and intrinsics: indoors, in a town, out of town."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.synthetic import places, road
from lsd_ros.synthetic.scene import Builder, Scene, paintings
from lsd_ros.synthetic.shading import GroundMap, Shader
from lsd_ros.synthetic.texture import Atlas
from lsd_ros.synthetic.visibility import SceneView, visible
from lsd_ros.types import Camera, Frame, Trajectory

PLACES = {
    'room': places.room,
    'corridor': places.corridor,
    'street': places.street,
    'road': road.road,
}
FIRST_STAMP_NS = 1_700_000_000_000_000_000
FRAME_ID = 'camera_optical_frame'


class World:
    """
    A place with textures and light, the same for the same seed.

    Its frame has z up and the ground at 0 (REP-103). It is not for several threads at once.

    :param kind: ``room``, ``corridor``, ``street`` or ``road``
    :param seed: which one, not negative
    :param moving: whether cars drive on the street or road: one ahead, one towards the camera
    :raises DatasetError: the kind is unknown or the seed negative
    """

    def __init__(self, kind: str, seed: int = 0, *, moving: bool = False) -> None:
        """Build the place."""
        if kind not in PLACES:
            raise DatasetError(f'unknown world {kind!r}: the known ones are {", ".join(PLACES)}')
        if seed < 0:
            raise DatasetError(f'seed {seed} of a world must not be negative')
        self.kind = kind
        self.seed = seed
        self._place = PLACES[kind](self._rng('place'))
        self.path = self._place.path
        self._moving = self._place.cars if moving else 0
        parts = [self._place.still, *(self._car(number, 0.0) for number in range(self._moving))]
        self._painted = paintings(parts)
        self._still = Scene.of([self._place.still], self._place.light, self._painted)

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *f'{self.kind} {purpose}'.encode()])

    @cached_property
    def _shader(self) -> Shader:
        """Paint the textures when a first picture is taken; depth alone needs none."""
        place = self._place
        rng = self._rng('look')
        atlas = Atlas.painted([painter for painter, _ in self._painted], rng)
        ground = GroundMap.of([place.still], place.light, place.low, place.high)
        return Shader.of(atlas, place.light, ground, rng)

    def depth(
        self, camera: Camera, world_from_camera: NDArray[np.float64], time_s: float = 0.0
    ) -> NDArray[np.float32]:
        """
        Measure depth alone; the arguments are those of :meth:`render`.

        :return: at pixel centres, along the optical axis, +Inf for the sky [m], shape (H, W)
        :raises CameraError: the camera is distorted
        """
        view = self._view(camera, world_from_camera)
        inverse, _ = visible(self._scene(time_s), view)
        with np.errstate(divide='ignore'):
            return np.asarray(1 / inverse, np.float32)

    def render(
        self,
        camera: Camera,
        world_from_camera: NDArray[np.float64],
        time_s: float = 0.0,
        *,
        supersampling: int = 2,
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """
        Take a picture.

        :param camera: without distortion
        :param world_from_camera: shape (4, 4)
        :param time_s: when; only what moves depends on it
        :param supersampling: colour is averaged over this many rays squared
        :return: RGB, shape (H, W, 3); and depth at pixel centres, along the optical axis, +Inf for
            the sky [m], shape (H, W)
        :raises CameraError: the camera is distorted
        """
        depth = self.depth(camera, world_from_camera, time_s)
        size = (camera.width * supersampling, camera.height * supersampling)
        view = self._view(camera.resized(*size), world_from_camera)
        scene = self._scene(time_s)
        inverse, surface = visible(scene, view)
        picture: NDArray[Any] = np.clip(
            self._shader.colours(scene, view, inverse, surface), 0, 255
        )
        if supersampling > 1:
            small = (camera.width, camera.height)
            picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        return np.rint(picture).astype(np.uint8), depth

    @staticmethod
    def _view(camera: Camera, world_from_camera: NDArray[np.float64]) -> SceneView:
        if camera.distortion is not None:
            raise CameraError('a synthetic world is seen without distortion: rectify the camera')
        return SceneView.of(camera, world_from_camera)

    def _scene(self, time_s: float) -> Scene:
        if not self._moving:
            return self._still
        cars = [self._car(number, time_s) for number in range(self._moving)]
        driving = Scene.of(cars, self._place.light, self._painted)
        return self._still.with_polygons_of(driving)

    def _car(self, number: int, time_s: float) -> Builder:
        """Build the car ahead (even numbers) or the car that comes towards the camera (odd)."""
        build = Builder()
        rng = np.random.default_rng((self.seed, number))
        if number % 2 == 0:
            gap = self._place.gap_m + 3 * np.sin(0.3 * time_s)
            x, y, heading = self.path.on_ground(time_s, ahead_m=gap)
        else:
            x, y, heading = self.path.on_ground(0.0, ahead_m=60 - 7 * time_s, left_m=3.4)
            heading += np.pi
        self._place.vehicle(build, rng, np.array((x, y)), heading)
        return build


class Sample(NamedTuple):
    """
    One frame of a drive with its truth.

    :param frame: image, camera and stamp
    :param depth: along the optical axis, +Inf for the sky [m], shape (H, W), float32
    :param world_from_camera: shape (4, 4)
    """

    frame: Frame
    depth: NDArray[np.float32]
    world_from_camera: NDArray[np.float64]


@dataclass(frozen=True)
class Sensor:
    """
    How the camera falsifies what it sees.

    :param noise: standard deviation [grey levels]
    :param exposure: how much the brightness wanders, relative
    """

    noise: float = 0.0
    exposure: float = 0.0

    def expose(
        self, picture: NDArray[np.uint8], time_s: float, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Take the picture as the sensor would."""
        if not self.noise and not self.exposure:
            return picture
        gain = 1 + self.exposure * np.sin(0.7 * time_s)
        grey = picture * np.float32(gain)
        grey += np.float32(self.noise) * rng.standard_normal(picture.shape, np.float32)
        return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


@dataclass(frozen=True)
class SyntheticDrive:
    """
    A drive through a synthetic world: an iterable of samples, the same every time.

    :param kind: ``room``, ``corridor``, ``street`` or ``road``
    :param seed: which one, not negative
    :param camera: without distortion
    :param frames: how many
    :param rate_hz: frames per second
    :param moving: whether cars drive on the street or road
    :param sensor: noise and exposure
    :param start_s: where on its round the drive begins
    :raises DatasetError: the kind is unknown, or a number is out of its range
    """

    kind: str
    seed: int
    camera: Camera
    frames: int
    rate_hz: float = 10.0
    moving: bool = False
    sensor: Sensor = dataclasses.field(default_factory=Sensor)
    start_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers; the world checks the rest when it is built."""
        if self.frames < 1 or not self.rate_hz > 0:
            raise DatasetError(
                f'a drive of {self.frames} frames at {self.rate_hz} Hz must have at least one '
                'frame and a positive rate'
            )

    @cached_property
    def world(self) -> World:
        """Return the world, built when it is first asked for."""
        return World(self.kind, self.seed, moving=self.moving)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Return the seconds since the drive's start, shape (frames,)."""
        return np.asarray(np.arange(self.frames) / self.rate_hz)

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """Return the stamps [ns], shape (frames,)."""
        return FIRST_STAMP_NS + np.rint(self.times_s * 1e9).astype(np.int64)

    @cached_property
    def trajectory(self) -> Trajectory:
        """Return the exact poses of all frames."""
        poses = [self.world.path.pose(self.start_s + time) for time in self.times_s]
        return Trajectory(self.stamps_ns, np.stack(poses))

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.frames

    def __iter__(self) -> Iterator[Sample]:
        """Render frame after frame."""
        return map(self.sample, range(self.frames))

    def sample(self, index: int) -> Sample:
        """Render one frame."""
        time = float(self.times_s[index])
        pose = self.trajectory.world_from_camera[index]
        picture, depth = self.world.render(self.camera, pose, self.start_s + time)
        rng = np.random.default_rng((self.seed, index))
        picture = self.sensor.expose(picture, time, rng)
        frame = Frame(int(self.stamps_ns[index]), FRAME_ID, picture, self.camera)
        return Sample(frame, depth, pose)
