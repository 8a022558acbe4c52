import dataclasses

import numpy as np
import pytest
import torch

from lsd_ros.errors import FrameError
from lsd_ros.geometry.pose import pose_from_vector
from lsd_ros.inference.backends.choice import open_backend
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import load_weights, save_weights, untrained_weights
from lsd_ros.models.network_settings import PoseSettings
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.pose_view import PoseView, motion_vectors
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Camera, Frame

FOCAL_PX = 150.0
COMMON = Camera(width=192, height=64, fx=FOCAL_PX, fy=FOCAL_PX, cx=95.5, cy=31.5)
CAMERAS = [
    Camera(width=192, height=64, fx=165.0, fy=160.0, cx=88.25, cy=34.75),
    Camera(width=192, height=64, fx=140.0, fy=140.0, cx=104.0, cy=31.5),
]
INSIDE = (slice(12, -12), slice(24, -24))  # what every one of these cameras sees


def sight(camera, turn=0.0):
    """What a camera sees of a wall that is infinitely far."""
    u = (np.arange(camera.width) - camera.cx) / camera.fx + turn
    v = (np.arange(camera.height) - camera.cy) / camera.fy
    wave = np.sin(11 * u)[None] + np.cos(13 * v)[:, None]
    pixels = 128 + 50 * wave[..., None] * np.array((1.0, 0.8, 0.6))
    return np.rint(pixels).astype(np.uint8)


@pytest.mark.parametrize('camera', CAMERAS)
def test_every_camera_is_seen_as_the_common_one(camera):
    seen = PoseView(camera, FOCAL_PX).image(sight(camera))
    difference = np.abs(seen.astype(int) - sight(COMMON))[INSIDE]
    assert difference.max() <= 3
    assert np.abs(sight(camera).astype(int) - sight(COMMON))[INSIDE].max() > 20


@pytest.mark.parametrize('camera', CAMERAS)
def test_training_sees_what_the_engine_sees(camera):
    def network(frames):
        shown.append(frames)
        return torch.ones(len(frames), 2, 6)

    shown = []
    frames = torch.from_numpy(sight(camera)).permute(2, 0, 1)[None].float()
    intrinsics = torch.from_numpy(camera.matrix).float()[None]
    vectors = motion_vectors(network, frames, intrinsics, FOCAL_PX)
    view = PoseView(camera, FOCAL_PX)
    expected = view.image(sight(camera))
    assert np.abs(shown[0][0].permute(1, 2, 0).numpy() - expected).max() <= 3
    np.testing.assert_allclose(
        vectors[0].numpy(), view.vectors(np.ones((2, 6), np.float32)), rtol=1e-6
    )
    assert vectors[0, 0, 0] == pytest.approx(FOCAL_PX / camera.focal_px)
    assert (vectors[..., 3:] == 1).all()  # a turn is a turn


def test_without_a_focal_length_or_a_camera_nothing_is_changed():
    image, vectors = sight(CAMERAS[0]), np.ones((2, 6), np.float32)
    for view in (PoseView(CAMERAS[0], 0.0), PoseView(None, FOCAL_PX)):
        assert view.image(image) is image
        assert view.vectors(vectors) is vectors
    frames = torch.rand(1, 9, 64, 192)
    network = PoseNet().eval()
    told = motion_vectors(network, frames, torch.eye(3)[None], 0.0)
    assert torch.equal(told, network(frames))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(FrameError, match='intrinsics'):
        motion_vectors(PoseNet(), torch.rand(2, 9, 64, 192), torch.eye(3)[None], FOCAL_PX)


def test_an_engine_shows_its_pose_network_the_common_view(tmp_path):
    weights = untrained_weights()
    pose = PoseNet(PoseSettings(focal_px=FOCAL_PX)).eval()
    small = Preprocessing(width=192, height=64)
    weights = dataclasses.replace(weights, pose=pose, preprocessing=small)
    save_weights(weights, tmp_path / 'w.safetensors')
    weights = load_weights(tmp_path / 'w.safetensors')
    shown, told = [], []

    def watched(*given):
        backend = open_backend(*given)
        motions = backend.motions

        def seen(frames):
            shown.append(frames[0].copy())
            told.append(motions(frames)[0].copy())
            return told[-1][None]

        backend.motions = seen
        return backend

    settings = EngineSettings(backend='torch', device='cpu')
    for camera in (COMMON, *CAMERAS):
        engine = Engine(settings, weights, 'test', watched)
        for number in range(3):
            stamp_ns, pixels = (number + 1) * 100_000_000, sight(camera, 0.02 * number)
            estimate = engine.process(Frame(stamp_ns, 'camera', pixels, camera), depth=False)
        difference = np.abs(shown[-1][0].astype(int) - sight(COMMON))[INSIDE]
        assert difference.max() <= 3
        moved = pose_from_vector(torch.from_numpy(told[-1].astype(np.float64))).numpy()[1]
        found = np.asarray(estimate.motion.current_from_previous)
        np.testing.assert_allclose(found[:3, :3], moved[:3, :3], atol=1e-6)
        unit = FOCAL_PX / camera.focal_px
        np.testing.assert_allclose(found[:3, 3], moved[:3, 3] * unit, rtol=1e-4, atol=1e-9)
    assert len(told) == 1 + len(CAMERAS)
