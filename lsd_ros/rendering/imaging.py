"""A camera that makes an image of light: exposure, white balance, blur, noise, tone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SHUTTER_STEPS = 7


@dataclass(frozen=True)
class Imager:
    """
    A camera, as cheap ones are.

    :param exposure: what light is multiplied with
    :param balance: of red, green and blue
    :param saturation: 1 keeps colours as they are
    :param gamma: of the tone curve
    :param shoulder: from where on the curve bends towards white, 0 to 1
    :param contrast: 0 to 1
    :param vignette: share of light lost in the corners
    :param noise: standard deviation at full light
    :param shutter: share of the time between two images that it is open
    :param blur_px: of the lens
    :param sharpening: of the image processor
    """

    exposure: float
    balance: Floats
    saturation: float
    gamma: float
    shoulder: float
    contrast: float
    vignette: float
    noise: float
    shutter: float
    blur_px: float
    sharpening: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, light: Floats) -> Imager:
        """
        Draw a camera that exposes for the first light of a clip.

        :param light: linear, shape (H, W, 3)
        """
        luminance = light @ LUMINANCE
        bright = np.minimum(luminance, np.percentile(luminance, 90)).mean()
        middle = np.exp(np.median(np.log(luminance + 1e-4)))
        key = max(float(bright + middle) / 2, 1e-5)
        noise = 10 ** rng.uniform(-2.6, -1.6) * (1.5 if key < 0.05 else 1.0)
        moving = rng.choice(3, p=(0.45, 0.4, 0.15))
        return cls(
            exposure=rng.uniform(0.13, 0.34) / key,
            balance=np.exp(rng.normal(0, 0.06, 3)).astype(np.float32),
            saturation=rng.uniform(0.4, 1.1),
            gamma=rng.uniform(1.9, 2.5),
            shoulder=rng.uniform(0.5, 1.0),
            contrast=rng.uniform(0, 0.5),
            vignette=rng.uniform(0, 0.35),
            noise=noise,
            shutter=(0.0, rng.uniform(0.1, 0.4), rng.uniform(0.4, 0.8))[moving],
            blur_px=rng.uniform(0, 0.65),
            sharpening=rng.choice((0.0, rng.uniform(0.2, 0.8))),
        )

    def image(
        self,
        light: Floats,
        flow: Floats | None,
        rng: np.random.Generator,
    ) -> NDArray[np.uint8]:
        """
        Return an RGB image.

        :param light: linear, shape (H, W, 3)
        :param flow: motion of each pixel until the next image [px], shape (H, W, 2)
        """
        seen = light * self.balance * (self.exposure * self._falloff(light.shape[:2])[..., None])
        seen *= np.float32(np.exp(rng.normal(0, 0.02)))
        if flow is not None and self.shutter:
            seen = _smeared(np.minimum(seen, 8), flow * np.float32(self.shutter))
        glare = cv2.GaussianBlur(np.clip(seen - 1, 0, 4), (0, 0), 6)
        seen = seen + 0.06 * glare
        if self.blur_px > 0.25:
            seen = cv2.GaussianBlur(seen, (0, 0), self.blur_px)
        return np.asarray(self._developed(self._noisy(seen, rng)) * 255 + 0.5, np.uint8)

    def _falloff(self, shape: tuple[int, int]) -> Floats:
        v, u = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
        return 1 - np.float32(self.vignette / 2) * (u[None] ** 2 + v[:, None] ** 2)

    def _noisy(self, seen: Floats, rng: np.random.Generator) -> Floats:
        """Add noise of photons, fine, and of the chroma, coarse."""
        fine = rng.standard_normal(seen.shape, np.float32) * np.sqrt(np.maximum(seen, 0.01))
        coarse = cv2.GaussianBlur(rng.standard_normal(seen.shape, np.float32), (0, 0), 1.0)
        return np.maximum(seen + np.float32(self.noise) * (0.5 * fine + 0.6 * coarse), 0)

    def _developed(self, seen: Floats) -> Floats:
        rest = np.float32(1 - self.shoulder + 1e-3)
        over = np.maximum(seen - np.float32(self.shoulder), 0)
        bent = np.where(over > 0, self.shoulder + rest * (1 - np.exp(-over / rest)), seen)
        tone: Floats = np.asarray(np.clip(bent, 0, 1) ** (1 / self.gamma), np.float32)
        tone = tone + np.float32(self.contrast) * (tone * tone * (3 - 2 * tone) - tone)
        grey = np.asarray(tone @ LUMINANCE, np.float32)[..., None]
        tone = grey + (tone - grey) * np.float32(self.saturation)
        if self.sharpening:
            blurred = np.asarray(cv2.GaussianBlur(tone, (0, 0), 1.2), np.float32)
            tone = tone + np.float32(self.sharpening) * (tone - blurred)
        return np.clip(tone, 0, 1)


def flow_between(
    depth: Floats,
    world_from_first: NDArray[np.float64],
    world_from_second: NDArray[np.float64],
    focal_px: float,
) -> Floats:
    """
    Return how far each pixel moves from one image to another [px], shape (H, W, 2).

    :param depth: of the first image, along the optical axis [m], shape (H, W)
    :param world_from_first, world_from_second: poses, shape (4, 4)
    """
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    z = np.minimum(depth, 1e4)
    points = np.stack([u / focal_px * z, v / focal_px * z, z], -1)
    moved = np.linalg.inv(world_from_second) @ world_from_first
    there = points @ moved[:3, :3].T + moved[:3, 3]
    ahead = np.maximum(there[..., 2], 0.05)
    return np.stack(
        [there[..., 0] / ahead * focal_px - u, there[..., 1] / ahead * focal_px - v], -1
    ).astype(np.float32)


def _smeared(seen: Floats, flow: Floats) -> Floats:
    """Return the mean along the way of each pixel, at most 14 px of it."""
    height, width = seen.shape[:2]
    u, v = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (width, height)))
    way = np.clip(flow, -14, 14)
    total = np.zeros_like(seen)
    for share in np.linspace(-0.5, 0.5, _SHUTTER_STEPS, dtype=np.float32):
        across, down = u + way[..., 0] * share, v + way[..., 1] * share
        total += cv2.remap(seen, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return total / np.float32(_SHUTTER_STEPS)
