"""How images are varied while a network learns ([0082]): the settings, and other colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.settings import setting

# FCC NTSC, 1953: luminance (ITU-R BT.601), and the plane of colour in which hue is an angle
_YIQ_FROM_RGB = np.array(
    ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
)
_LUMINANCE = _YIQ_FROM_RGB[0]
_SHADE_ROWS, _SHADE_COLUMNS = (2, 6), (2, 12)  # of the coarse pattern that becomes shadows
_SHADE_HARDNESS = (-0.3, 1.4)  # power of ten
_FILTER_SIZES = (1, 3, 5, 7)  # [pixels]


@dataclass(frozen=True)
class AugmentationSettings:
    """How images are varied while a network learns from them."""

    enabled: bool = setting(True, 'False: the window in the centre, and colours as they are')
    flip: float = setting(0.5, 'Share of snippets mirrored left to right', minimum=0, maximum=1)
    min_scale: float = setting(
        0.7,
        'Smallest random window, as a share of the largest one that fits; 1: always the largest',
        minimum=0.1,
        maximum=1,
    )
    jitter: float = setting(0.8, 'Share of snippets with other colours', minimum=0, maximum=1)
    brightness: float = setting(0.2, 'Brightness varies by this share', minimum=0, maximum=0.9)
    contrast: float = setting(0.2, 'Contrast varies by this share', minimum=0, maximum=0.9)
    saturation: float = setting(0.2, 'Saturation varies by this share', minimum=0, maximum=1)
    hue: float = setting(0.05, 'Hue varies by this part of a circle', minimum=0, maximum=0.5)
    tint: float = setting(
        0.05, 'Each of red, green and blue varies by this share', minimum=0, maximum=0.9
    )
    gamma: float = setting(
        0.2,
        'Gamma is multiplied or divided by up to one more than this; much of it shows dark images',
        minimum=0,
        maximum=4,
    )
    grey: float = setting(0.0, 'Share of snippets made grey', minimum=0, maximum=1)
    shade: float = setting(
        0.0,
        'Random shadows, hard and soft, take up to this share of the light of what networks see',
        minimum=0,
        maximum=1,
    )
    filter: float = setting(
        0.0,
        'Random filters, which change textures and keep shapes, take up to this share of what '
        'networks see (Xu et al., RandConv, ICLR 2021)',
        minimum=0,
        maximum=1,
    )
    depth_mix: float = setting(
        0.0,
        'Share of targets in which nearer things of other images stand, for what learns from '
        'data.true_depth alone (Hoyer et al., DepthMix, CVPR 2021)',
        minimum=0,
        maximum=1,
    )
    roll_deg: float = setting(
        0.0,
        'Standard deviation of a turn about the optical axis, as when a camera is held askew, of '
        'all images of a snippet alike; no turn goes beyond 45 [degrees]',
        minimum=0,
        maximum=45,
    )
    turn_deg: float = setting(
        0.0,
        'Standard deviation of a virtual turn of the neighbours, where their motion is known, for '
        'the pose network alone [degrees]',
        minimum=0,
        maximum=30,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class Colours:
    """
    A change of colours.

    :param matrix: RGB from RGB, shape (3, 3)
    :param contrast: about the mean luminance
    :param gamma: exponent
    """

    matrix: NDArray[np.float64]
    contrast: float = 1.0
    gamma: float = 1.0

    def apply(self, image: NDArray[np.uint8], mean: float) -> NDArray[np.uint8]:
        """
        Change the colours of an image.

        :param image: RGB, shape (H, W, 3)
        :param mean: luminance about which contrast is changed, in 0 .. 255
        """
        offset = (1 - self.contrast) * mean * self.matrix.sum(axis=1, keepdims=True)
        affine = np.hstack((self.contrast * self.matrix, offset))
        changed = cv2.transform(image, affine)
        if self.gamma != 1.0:
            levels = 255 * (np.arange(256) / 255) ** self.gamma
            changed = cv2.LUT(changed, np.rint(levels).astype(np.uint8))
        return np.asarray(changed, np.uint8)


def random_colours(rng: np.random.Generator, given: AugmentationSettings) -> Colours | None:
    """Draw a change of colours; None: they stay as they are."""
    jittered, grey = rng.random() < given.jitter, rng.random() < given.grey
    brightness, contrast, saturation = (
        1 + spread * float(rng.uniform(-1, 1))
        for spread in (given.brightness, given.contrast, given.saturation)
    )
    gamma = (1 + given.gamma) ** float(rng.uniform(-1, 1))
    hue = given.hue * float(rng.uniform(-1, 1))
    tint = 1 + given.tint * rng.uniform(-1, 1, 3)
    if not jittered:
        return Colours(np.tile(_LUMINANCE, (3, 1))) if grey else None
    matrix = brightness * np.diag(tint) @ _hue_and_saturation(hue, saturation)
    if grey:
        matrix = np.tile(_LUMINANCE @ matrix, (3, 1))
    return Colours(matrix, contrast, gamma)


def random_shade(
    rng: np.random.Generator, size: tuple[int, int], darkest: float
) -> NDArray[np.float32]:
    """
    Draw how much light is left where shadows of things beside the image fall.

    :param size: (width, height) of the image [pixels]
    :param darkest: most that a shadow takes, in 0 .. 1
    :return: shape (height, width), in 1 - darkest .. 1
    """
    rows, columns = rng.integers(*_SHADE_ROWS), rng.integers(*_SHADE_COLUMNS)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    field = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    hardness = np.float32(10 ** rng.uniform(*_SHADE_HARDNESS))
    covered = 0.5 + 0.5 * np.tanh(hardness * (field - np.float32(rng.normal(0, 0.7))))
    return np.asarray(1 - np.float32(rng.uniform(0, darkest)) * covered, np.float32)


def shaded(image: NDArray[np.uint8], light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Darken an image, shape (H, W, 3), by the light that is left, shape (H, W)."""
    return np.asarray(image * light[..., None], np.uint8)


@dataclass(frozen=True)
class Filter:
    """
    A random filter, mixed with the image that it was given.

    :param kernel: shape (k, k), float32
    :param share: of the result that is filtered
    """

    kernel: NDArray[np.float32]
    share: float

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Filter an image, shape (H, W, 3); the filtered part keeps its mean and contrast."""
        before = image.astype(np.float32)
        after = cv2.filter2D(before, -1, self.kernel, borderType=cv2.BORDER_REFLECT)
        after = (after - after.mean()) * (before.std() / max(float(after.std()), 1e-6))
        mixed = before + np.float32(self.share) * (after + before.mean() - before)
        return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def random_filter(rng: np.random.Generator, strongest: float) -> Filter:
    """Draw a filter of one of several sizes, and how much of it is seen."""
    size = int(rng.choice(_FILTER_SIZES))
    kernel = rng.standard_normal((size, size)).astype(np.float32)
    return Filter(kernel, float(rng.uniform(0, strongest)))


def recoloured(
    rng: np.random.Generator, images: list[NDArray[np.uint8]], given: AugmentationSettings
) -> list[NDArray[np.uint8]]:
    """
    Vary colours, textures and shadows of the frames of a snippet, of all alike.

    :param images: before, now and after, or now alone, each of shape (H, W, 3)
    """
    colours = random_colours(rng, given)
    if colours is not None:
        mean = mean_luminance(images[len(images) // 2])
        images = [colours.apply(image, mean) for image in images]
    if given.filter:
        texture = random_filter(rng, given.filter)
        images = [texture.apply(image) for image in images]
    if given.shade:
        height, width = images[0].shape[:2]
        light = random_shade(rng, (width, height), given.shade)
        images = [shaded(image, light) for image in images]
    return images


def mean_luminance(image: NDArray[np.uint8]) -> float:
    """Return the mean luminance of an RGB image, in 0 .. 255."""
    return float(_LUMINANCE @ cv2.mean(image)[:3])


def _hue_and_saturation(hue: float, saturation: float) -> NDArray[np.float64]:
    """Turn and stretch the plane of colour; luminance stays as it is."""
    cosine = saturation * math.cos(2 * math.pi * hue)
    sine = saturation * math.sin(2 * math.pi * hue)
    change = np.array(((1.0, 0.0, 0.0), (0.0, cosine, -sine), (0.0, sine, cosine)))
    return np.asarray(np.linalg.solve(_YIQ_FROM_RGB, change @ _YIQ_FROM_RGB))
