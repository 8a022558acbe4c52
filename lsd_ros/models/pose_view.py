"""
What a pose network sees: every camera as one of the same focal length that looks straight ahead.

The same turn moves the image of a long lens further, and a principal point beside the middle moves
the point that all flows away from: a network that sees pixels alone takes both for motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera

if TYPE_CHECKING:
    from torch import Tensor

LENGTHS = 3  # of the six numbers of a motion, those that are a translation


@dataclass(frozen=True)
class PoseView:
    """
    The view of one camera.

    :param camera: rectified, at the size of the network's input; None: it is not known
    :param focal_px: focal length that every camera is seen with [pixels]; 0: images as they are
    """

    camera: Camera | None
    focal_px: float

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """
        Return the image as the common camera would have taken it; the border is repeated.

        :param image: shape (H, W, 3), uint8
        :return: the same shape; the image itself where cameras are seen as they are
        """
        camera = self.camera
        if camera is None or not self.focal_px:
            return image
        sx, sy = camera.fx / self.focal_px, camera.fy / self.focal_px
        middle = (camera.width - 1) / 2, (camera.height - 1) / 2
        image_from_view = np.array(
            ((sx, 0, camera.cx - sx * middle[0]), (0, sy, camera.cy - sy * middle[1]))
        )
        seen = cv2.warpAffine(
            image,
            image_from_view,
            (camera.width, camera.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(seen, np.uint8)

    def vectors(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Return the motions of the common camera in the unit of the depth in front of this one.

        A longer lens shows the same picture from further away: its depth has longer units.

        :param vectors: translation and axis-angle, shape (..., 6)
        """
        if self.camera is None or not self.focal_px:
            return vectors
        own = vectors.copy()
        own[..., :LENGTHS] *= self.focal_px / self.camera.focal_px
        return own


def motion_vectors(
    network: Callable[[Tensor], Tensor], frames: Tensor, intrinsics: Tensor, focal_px: float
) -> Tensor:
    """
    Let a pose network estimate motions in its view; :class:`PoseView` for a batch in training.

    :param network: from frames (B, C, H, W) to motions (B, N, 6)
    :param frames: normalised, those of a snippet stacked, shape (B, C, H, W)
    :param intrinsics: K of each snippet, shape (B, 3, 3)
    :param focal_px: focal length that every camera is seen with [pixels]; 0: frames as they are
    :return: translation in the unit of the depth of each camera, then axis-angle [rad], (B, N, 6)
    :raises FrameError: the shapes do not fit
    """
    import torch  # a robot that runs compiled networks need not have it

    from lsd_ros.geometry.camera import pixel_grid
    from lsd_ros.geometry.shapes import check_shapes
    from lsd_ros.geometry.warp import sample

    if not focal_px:
        return network(frames)
    check_shapes(frames=(frames, 'B C H W'), intrinsics=(intrinsics, 'B 3 3'))
    height, width = frames.shape[2:]
    focal = torch.stack((intrinsics[:, 0, 0], intrinsics[:, 1, 1]), dim=1)
    middle = focal.new_tensor(((width - 1) / 2, (height - 1) / 2))
    from_middle = pixel_grid(height, width, focal) - middle[:, None, None]
    pixels = (focal / focal_px)[..., None, None] * from_middle
    seen, _ = sample(frames, pixels + intrinsics[:, :2, 2, None, None])
    vectors = network(seen)
    unit = focal_px / focal.prod(dim=1).sqrt()
    lengths = vectors[..., :LENGTHS] * unit[:, None, None]
    return torch.cat((lengths, vectors[..., LENGTHS:]), dim=-1)
