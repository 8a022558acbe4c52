"""The pose network: three frames in, the motions between them out ([0084], [0134])."""

from __future__ import annotations

from torch import Tensor, nn

from lsd_ros.errors import FrameError
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import FRAMES, MOTIONS, PoseSettings


class PoseNet(nn.Module):
    """
    Six degrees of freedom from the target frame to each of its neighbours.

    The frames are stacked in the order of time (before, target, after), C = 9.
    """

    def __init__(self, shape: PoseSettings | None = None) -> None:
        super().__init__()
        self.shape = shape or PoseSettings()
        widths = self.shape.widths
        kernels = (7, 5) + (3,) * len(widths)
        self.encoder = nn.Sequential(
            *(
                ConvNormAct(channels_in, channels_out, kernel, stride=2)
                for channels_in, channels_out, kernel in zip(
                    (3 * FRAMES, *widths), widths, kernels, strict=False
                )
            )
        )
        self.head = nn.Conv2d(widths[-1], 6 * MOTIONS, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """
        Estimate both motions.

        :param frames: three normalised RGB images in the order of time, shape (B, 9, H, W)
        :return: before_from_target and after_from_target, shape (B, 2, 6): translation in units of
            network depth, then axis-angle [rad]
        :raises FrameError: the shape does not fit
        """
        if frames.ndim != 4 or frames.shape[1] != 3 * FRAMES:
            raise FrameError(
                f'pose input of shape {tuple(frames.shape)} must be (B, {3 * FRAMES}, H, W)'
            )
        motion = self.head(self.encoder(frames)).mean(dim=(2, 3))
        return self.shape.output_scale * motion.reshape(-1, MOTIONS, 6)  # type: ignore[no-any-return]
