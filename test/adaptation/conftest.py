from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of small images."""
    import torch

    from lsd_ros.geometry.depth import DisparityRange
    from lsd_ros.models.checkpoint import save_weights
    from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
    from lsd_ros.models.pose_net import PoseNet
    from lsd_ros.models.preprocessing import Preprocessing
    from lsd_ros.models.small_depth_net import SmallDepthNet
    from lsd_ros.models.weights import Weights, WeightsCard

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'small.safetensors'
    made = Weights(
        SmallDepthNet(SmallDepthSettings(encoder_widths=(8, 16, 24, 32, 48))).eval(),
        PoseNet(PoseSettings(widths=(8, 16, 32))).eval(),
        Preprocessing(width=96, height=64),
        DisparityRange(0.1, 100.0),
        WeightsCard(name='small', trained=False),
    )
    save_weights(made, path)
    return path
