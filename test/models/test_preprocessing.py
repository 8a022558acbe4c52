import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from lsd_ros.errors import SettingError
from lsd_ros.geometry.resize import resize_image
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Camera

KITTI = Camera(width=1242, height=375, fx=721.5, fy=721.5, cx=609.6, cy=172.9)


@pytest.mark.parametrize(
    ('fit', 'image', 'size'),
    [
        ('stretch', (640, 480), (416, 128)),
        ('crop', (640, 480), (416, 128)),
        ('keep_aspect', (640, 480), (256, 192)),
        ('keep_aspect', (1242, 375), (416, 128)),
        ('keep_aspect', (480, 640), (192, 256)),
        ('keep_aspect', (5000, 100), (1632, 32)),
    ],
)
def test_network_size_follows_the_fit(fit, image, size):
    assert Preprocessing(fit=fit).network_size(*image) == size


@pytest.mark.parametrize('fit', ['stretch', 'crop', 'keep_aspect'])
def test_camera_follows_the_image(fit):
    """A dot drawn where a 3-D point projects is found where the new camera projects it."""
    point = np.array([1.5, 0.4, 12.0])
    u, v = (KITTI.matrix @ point)[:2] / point[2]
    rows, columns = np.mgrid[: KITTI.height, : KITTI.width]
    dot = 255 * np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * 6.0**2))
    image = np.repeat(dot[..., None], 3, axis=2).astype(np.uint8)

    small, camera = Preprocessing(fit=fit).prepare(image, KITTI)

    assert small.shape == (camera.height, camera.width, 3)
    weights = small[..., 0].astype(float)
    rows, columns = np.mgrid[: camera.height, : camera.width]
    seen = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
    expected = (camera.matrix @ point)[:2] / point[2]
    np.testing.assert_allclose(seen, expected, atol=0.05)


@pytest.mark.parametrize('fit', ['stretch', 'crop', 'keep_aspect'])
def test_what_is_halved_first_is_where_and_what_it_was(fit):
    coarse = np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)
    image = cv2.resize(coarse, (1283, 725), interpolation=cv2.INTER_CUBIC)
    preprocessing = Preprocessing(fit=fit, width=128, height=64)
    assert preprocessing.reduction(1283, 725) == 4
    left, top, width, height = preprocessing.window(1283, 725)
    size = preprocessing.network_size(1283, 725)

    def exactly(pixels):
        return resize_image(pixels[top : top + height, left : left + width], *size).astype(int)

    small, camera = preprocessing.prepare(image, None)
    assert camera is None
    apart = np.abs(small - exactly(image)).mean()
    assert apart < 1
    for axis in (0, 1):  # by half of what was made of four pixels: it would be seen
        assert np.abs(exactly(np.roll(image, 2, axis)) - exactly(image)).mean() > 5 * apart
    bgr = np.ascontiguousarray(image[..., ::-1])
    np.testing.assert_array_equal(preprocessing.prepare(bgr[..., ::-1], None)[0], small)


def test_crop_keeps_square_pixels_and_the_centre():
    camera = Camera(width=640, height=480, fx=500, fy=500, cx=319.5, cy=239.5)
    small, cut = Preprocessing(fit='crop').prepare(np.zeros((480, 640, 3), np.uint8), camera)
    assert small.shape == (128, 416, 3)
    assert cut.fx == pytest.approx(cut.fy, rel=0.01)
    assert (cut.cx, cut.cy) == pytest.approx((207.5, 63.5), abs=0.5)


def test_resizing_averages_instead_of_aliasing():
    stripes = np.zeros((64, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    resized = resize_image(stripes, 64, 64)
    assert np.abs(resized.astype(int) - 127).max() <= 5


@pytest.mark.parametrize(
    ('size', 'small'),
    [
        ((375, 1242), (128, 416)),
        ((60, 100), (64, 96)),
        ((480, 1280), (96, 320)),
    ],
)
def test_resizing_gives_the_pixels_of_torch_whose_networks_learned_from_them(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (size[0] // 8, size[1] // 8, 3), np.uint8)
    image = np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    expected = functional.interpolate(
        torch.from_numpy(image).permute(2, 0, 1)[None],
        size=small,
        mode='bilinear',
        antialias=True,
    )[0].permute(1, 2, 0)
    resized = resize_image(image, *small[::-1])
    assert np.abs(resized.astype(int) - expected.numpy()).max() <= 1
    turned = resize_image(np.ascontiguousarray(image[..., ::-1])[..., ::-1], *small[::-1])
    np.testing.assert_array_equal(turned, resized)
    assert turned.flags.c_contiguous


def test_resizing_takes_views_that_nobody_may_write_to():
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    view = np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape)
    np.testing.assert_array_equal(
        resize_image(view[:, ::-1], 30, 20), resize_image(image[:, ::-1].copy(), 30, 20)
    )


def test_normalising_gives_the_declared_mean_and_deviation():
    preprocessing = Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.2))
    image = torch.randint(0, 256, (1, 4, 6, 3), dtype=torch.uint8)
    planes = Normalise(preprocessing)(image)
    assert planes.shape == (1, 3, 4, 6)
    restored = planes * torch.tensor([0.5, 0.25, 0.2]).reshape(1, 3, 1, 1)
    restored += torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(255 * restored, image.permute(0, 3, 1, 2).float())


def test_grey_networks_see_the_same_in_colour_and_grey_images():
    normalise = Normalise(Preprocessing(colour='grey'))
    colour = torch.tensor([200.0, 100.0, 50.0]).expand(1, 2, 2, 3)
    grey = torch.full((1, 2, 2, 3), 0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    torch.testing.assert_close(normalise(colour), normalise(grey))


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'width': 400}, '400 x 128 must be a multiple of 32'),
        ({'std': (1.0, 1.0, 0.0)}, 'std positive'),
        ({'fit': 'pad'}, "fit is 'pad': choose one of"),
    ],
)
def test_wrong_settings_are_refused(values, sentence):
    with pytest.raises(SettingError, match=sentence):
        Preprocessing(**values)
