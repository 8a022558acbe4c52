import pytest
import torch
from torch import nn

from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.inference.folding import TwoPathSum
from lsd_ros.inference.rewrite import depth_inference, pose_inference
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.weighting import WeightedSum
from lsd_ros.models.weights import Weights, WeightsCard

IMAGE = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)


def as_if_trained(network):
    """Give every normalisation statistics of its own, so that folding has something to fold."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return network.eval()


def weights_of(**shape):
    torch.manual_seed(0)  # few of the narrow networks give maps without contrast
    return Weights(
        depth=as_if_trained(SmallDepthNet(SmallDepthSettings(**shape))),
        pose=as_if_trained(PoseNet()),
        preprocessing=Preprocessing(),
        depths=DisparityRange(0.1, 100),
        card=WeightsCard('test', trained=False),
    )


@pytest.mark.parametrize(
    'shape',
    [
        {},
        {'read_level': 0},
        {'read_level': 2},
        {'fusion': 'sum'},
        {'padding': 'replicate'},
        {'read_level': 0, 'encoder_widths': (5, 12, 20, 24, 40), 'full_width': 3},
        {'padding': 'reflect', 'upsampling': 'bilinear'},
        {'group_size': 4, 'expansion': 4},
    ],
)
@torch.inference_mode()
def test_rewritten_depth_network_gives_the_same_numbers(shape):
    weights = weights_of(**shape)
    trained = weights.depth(Normalise(weights.preprocessing)(IMAGE))[
        weights.depth.shape.read_level
    ]
    assert trained.std() > 1e-3, 'an image without contrast would prove nothing'
    torch.testing.assert_close(depth_inference(weights)(IMAGE), trained, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('level', [0, 1, 2])
@torch.inference_mode()
def test_rewritten_network_gives_the_deviation_that_was_trained(level):
    weights = weights_of(read_level=level, uncertainty=True)
    features = weights.depth.features(Normalise(weights.preprocessing)(IMAGE))
    disparity, deviation = features.disparities[level], features.log_deviation.exp()
    assert deviation.std() > 1e-4, 'a map without contrast would prove nothing'
    wanted = torch.cat((disparity, deviation), dim=1)
    torch.testing.assert_close(depth_inference(weights)(IMAGE), wanted, rtol=1e-4, atol=1e-6)


@torch.inference_mode()
def test_rewritten_pose_network_gives_the_same_numbers():
    weights = weights_of()
    frames = torch.randint(0, 256, (3, 64, 96, 3), dtype=torch.uint8)
    stacked = torch.cat(list(Normalise(weights.preprocessing)(frames)))[None]
    torch.testing.assert_close(
        pose_inference(weights)(frames), weights.pose(stacked)[0], rtol=1e-4, atol=1e-7
    )


@torch.inference_mode()
def test_softmax_over_two_paths_is_the_sigmoid_of_their_difference():
    trained = WeightedSum(2).eval()
    a, b = 3 * torch.randn(2, 4, 9, 9), 3 * torch.randn(2, 4, 9, 9)
    torch.testing.assert_close(TwoPathSum(trained)(a, b), trained(a, b), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('shape', [{}, {'padding': 'replicate'}])
def test_nothing_is_left_to_normalise_or_weigh_the_long_way(shape):
    left = {type(m).__name__ for m in depth_inference(weights_of(**shape)).modules()}
    assert not left & {'BatchNorm2d', 'WeightedSum', 'Softmax'}


def test_rewriting_leaves_the_trained_network_alone():
    weights = weights_of()
    before = {name: tensor.clone() for name, tensor in weights.depth.state_dict().items()}
    depth_inference(weights)
    assert weights.depth.decoder[0].block is not None
    assert all(torch.equal(before[n], t) for n, t in weights.depth.state_dict().items())


def test_stages_and_heads_that_nobody_reads_are_left_out():
    weights = weights_of(read_level=1)
    inference = depth_inference(weights)
    rows = []
    for module in inference.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda *call: rows.append(call[2].shape[2]))
    inference(IMAGE)
    assert max(rows) == IMAGE.shape[1] // 2, 'nothing is computed at full resolution'
    heads = [m for m in inference.head.modules() if isinstance(m, nn.Conv2d)]
    assert len(heads) == 1
