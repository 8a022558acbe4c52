from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='needs rosbags')

from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import write_bag
from lsd_ros.types import Camera

FRAMES = 12


@pytest.fixture(scope='session')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of small images, which sees some motion."""
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
        SmallDepthNet(SmallDepthSettings(uncertainty=True)).eval(),
        PoseNet(PoseSettings(output_scale=0.5)).eval(),
        Preprocessing(width=96, height=64, fit='stretch'),
        DisparityRange(0.1, 100.0),
        WeightsCard(name='small', trained=False),
    )
    save_weights(made, path)
    return path


@pytest.fixture(scope='session')
def drive() -> SyntheticDrive:
    camera = Camera(120, 80, 70.0, 70.0, 59.5, 39.5)
    return SyntheticDrive('corridor', 0, camera, FRAMES, start_s=10.0)


@pytest.fixture(scope='session')
def bag(tmp_path_factory: pytest.TempPathFactory, drive: SyntheticDrive) -> Path:
    """A bag of 12 small images with camera info and truth."""
    path = tmp_path_factory.mktemp('bag') / 'drive'
    write_bag(path, drive)
    return path


@pytest.fixture
def engine(weights: Path) -> list[str]:
    """Options of an engine that starts fast."""
    return ['--weights', str(weights), '--backend', 'torch', '--set', 'threads=1']
