"""The sparse coding block: channels coded alone, in a wider space ([0095]-[0110], fig. 10)."""

from __future__ import annotations

from torch import Tensor, nn

from lsd_ros.errors import SettingError
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.weighting import fusion


class SparseBlock(nn.Module):
    """
    F_spblock: X_out = Theta_in * X_in + Theta_sp * X_squ.

    :param channels: C of input and output
    :param expansion: r, how much wider the coded space is
    :param group_size: channels that are coded together: 1 codes each alone ([0104]), more codes
        densely inside a group and not between groups ([0110])
    :param fusion_kind: ``weighted`` as in the patent, or ``sum``
    :raises SettingError: the groups do not divide the wider space
    """

    def __init__(
        self,
        channels: int,
        *,
        expansion: int = 2,
        group_size: int = 1,
        fusion_kind: str = 'weighted',
        padding: str = 'zeros',
    ) -> None:
        super().__init__()
        wide = expansion * channels
        if wide % group_size:
            raise SettingError(
                f'group_size is {group_size}: it must divide the {wide} channels of the block'
            )
        groups = wide // group_size
        self.expand = ConvNormAct(channels, wide, 1)
        self.code = nn.Sequential(
            ConvNormAct(wide, wide, 3, groups=groups, padding=padding),
            ConvNormAct(wide, wide, 3, groups=groups, padding=padding),
        )
        self.squeeze = ConvNormAct(wide, channels, 1, activation=False)
        self.fuse = fusion(fusion_kind, expansion, padding)

    def forward(self, x: Tensor) -> Tensor:
        """
        Code a map sparsely and fuse the code with it.

        :param x: shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        coded = self.squeeze(self.code(self.expand(x)))
        fused: Tensor = self.fuse(x, coded)
        return fused
