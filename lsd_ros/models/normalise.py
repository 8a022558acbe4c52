"""The part of the preprocessing that runs inside the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lsd_ros.models.preprocessing import Preprocessing

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as OpenCV's grey conversion


class Normalise(nn.Module):
    """Bytes to normalised planes."""

    scale: Tensor
    shift: Tensor
    luminance: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        std, mean = torch.tensor(preprocessing.std), torch.tensor(preprocessing.mean)
        self.grey = preprocessing.colour == 'grey'
        self.register_buffer('scale', 1.0 / (255.0 * std), persistent=False)
        self.register_buffer('shift', -mean / std, persistent=False)
        self.register_buffer('luminance', torch.tensor(LUMINANCE), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """
        Normalise.

        :param image: RGB in 0 .. 255, shape (B, H, W, 3), any number type
        :return: shape (B, 3, H, W), float32
        """
        levels = image.to(self.scale.dtype)
        if self.grey:
            levels = (levels * self.luminance).sum(dim=3, keepdim=True)
        # planes last: exported networks must not move bytes, and runtimes like this order
        return (levels * self.scale + self.shift).permute(0, 3, 1, 2)
