"""The part of the image that the robot itself is in: nothing there is an obstacle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import SettingError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_file
from lsd_ros.foreign.image_codec import decode_image
from lsd_ros.inference.mask_settings import MaskSettings, polygons

Mask = NDArray[np.bool_]
MOST = 0.95  # share of the image that may be masked


class BodyMask:
    """
    Gives the mask of images of any size; that of the last size is kept.

    :param wanted: where the robot is
    :raises SettingError: the picture cannot be read, or hardly anything would be left
    """

    def __init__(self, wanted: MaskSettings) -> None:
        self._picture = _read(wanted.file) if wanted.file else None
        self._polygons = list(polygons(wanted.polygons))
        self._last: tuple[tuple[int, int], Mask | None] | None = None
        self.share = 0.0
        probe = self.of(640, 480)
        self.share = 0.0 if probe is None else float(probe.mean())
        if self.share > MOST:
            raise SettingError(
                f'mask.file and mask.polygons cover {self.share:.0%} of the image: black is where '
                'the robot itself is seen, white what is left'
            )

    def of(self, width: int, height: int) -> Mask | None:
        """
        Return where the robot is in an image of some size, shape (H, W); None: nowhere.

        What is partly in it counts as in it.
        """
        if self._picture is None and not self._polygons:
            return None
        if self._last is None or self._last[0] != (width, height):
            self._last = (width, height), self._drawn(width, height)
        return self._last[1]

    def _drawn(self, width: int, height: int) -> Mask | None:
        mask = np.zeros((height, width), np.uint8)
        if self._picture is not None:
            area = cv2.INTER_AREA if self._picture.shape[1] > width else cv2.INTER_LINEAR
            mask |= (cv2.resize(self._picture, (width, height), interpolation=area) > 0.0).astype(
                np.uint8
            )
        for polygon in self._polygons:
            corners = np.array(polygon) * (width, height) - 0.5
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
        return mask.astype(np.bool_) if mask.any() else None


def _read(path: str) -> NDArray[np.float32]:
    """Return 1 where a picture is black, else 0, shape (H, W)."""
    problem = f'mask.file is {path!r}, which is no picture that can be read'
    with ForeignCode(SettingError, problem):
        try:
            data = read_file(path, SettingError)
            picture = decode_image(data, cv2.IMREAD_GRAYSCALE, SettingError, 'it')
        except SettingError as error:
            remedy = 'give a PNG, black where the robot itself is seen'
            raise SettingError(f'{problem} ({error}): {remedy}') from error
    return (picture < 128).astype(np.float32)
