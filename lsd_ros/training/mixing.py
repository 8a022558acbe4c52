"""Images made of two, with the depth of both (after CutMix, Yun et al., ICCV 2019)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from lsd_ros.datasets.snippets import SnippetBatch

NARROWEST = 0.2  # part of the width that either image keeps


def mixed(batch: SnippetBatch, units: Tensor) -> SnippetBatch:
    """
    Replace what is right of one random column by that of the snippet before in the batch.

    Rows stay what they are: what is low in the image is near in both.

    :param batch: with true depth
    :param units: network depth per metre of each snippet, shape (B,); a depth is put into the
        metres of the snippet that it comes to
    """
    width = batch.images.shape[-1]
    edge = round(width * float(torch.empty(1).uniform_(NARROWEST, 1 - NARROWEST)))
    foreign = torch.arange(width, device=batch.images.device) >= edge
    depth = batch.true_depth * units[:, None, None, None]
    depth = torch.where(foreign, depth.roll(1, 0), depth) / units[:, None, None, None]
    return replace(
        batch,
        images=torch.where(foreign, batch.images.roll(1, 0), batch.images),
        jittered=torch.where(foreign, batch.jittered.roll(1, 0), batch.jittered),
        true_depth=depth,
    )
