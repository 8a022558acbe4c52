"""The student learns how far it is from its teacher, and its depth does not notice."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from lsd_ros.errors import FrameError, SettingError
from lsd_ros.geometry.depth import DisparityRange, disparity_from_depth
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.uncertainty_head import UncertaintyHead
from lsd_ros.training.phase_settings import StudentSettings, check_uncertainty
from lsd_ros.training.uncertainty import UncertaintySettings, distance_likelihood

DEPTHS = DisparityRange(0.1, 100.0)
SHAPE = SmallDepthSettings(encoder_widths=(4, 6, 8, 8, 8), full_width=4, uncertainty=True)


def test_the_head_learns_the_deviation_of_the_distance_between_student_and_teacher() -> None:
    """Laplace distances of 2 % on one half of the image, of 20 % on the other."""
    torch.manual_seed(0)
    side = torch.zeros(1, 1, 64, 64)
    side[..., 32:] = 1
    wanted = torch.where(side > 0, 0.2, 0.02)
    noise = torch.distributions.Laplace(0.0, 1 / math.sqrt(2)).sample(wanted.shape)
    student = torch.full_like(side, 5.0)
    teacher = student * (wanted * noise).exp()
    head = UncertaintyHead(2)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.1)
    maps = torch.cat((side, 1 - side), dim=1)
    for _ in range(150):
        likelihood = distance_likelihood(
            head(maps),
            disparity_from_depth(student, DEPTHS),
            disparity_from_depth(teacher, DEPTHS),
            DEPTHS,
        )
        optimiser.zero_grad()
        likelihood.loss.backward()
        optimiser.step()
    found = head(maps).exp().detach()
    for half in (slice(0, 31), slice(33, 64)):
        # 1984 samples of a Laplace distribution know its deviation to 1 / sqrt(1984) = 2.2 %
        assert float((found / wanted)[..., half].mean()) == pytest.approx(1, abs=0.1)
    # of a Laplace distribution, 1 - exp(-sqrt(2)) = 75.7 % are within one standard deviation
    assert float(likelihood.coverage) == pytest.approx(0.757, abs=0.04)


def test_the_likelihood_is_that_of_a_laplace_distribution() -> None:
    sigma, distance = 0.3, 0.45
    student = disparity_from_depth(torch.full((1, 1, 2, 2), 4.0, dtype=torch.float64), DEPTHS)
    teacher = disparity_from_depth(
        torch.full((1, 1, 2, 2), 4.0 * math.exp(distance), dtype=torch.float64), DEPTHS
    )
    log_sigma = torch.full((1, 1, 2, 2), math.log(sigma), dtype=torch.float64)
    found = distance_likelihood(log_sigma, student, teacher, DEPTHS).loss
    laplace = torch.distributions.Laplace(0.0, sigma / math.sqrt(2))
    wanted = -laplace.log_prob(torch.tensor(distance)) - math.log(math.sqrt(2))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_depth_gets_no_gradient_and_the_head_does() -> None:
    torch.manual_seed(0)
    student = SmallDepthNet(SHAPE)
    features = student.features(torch.randn(2, 3, 32, 64))
    assert features.log_deviation is not None
    disparity = features.disparities[SHAPE.read_level]
    assert features.log_deviation.shape == disparity.shape
    teacher = torch.rand_like(disparity).requires_grad_()
    distance_likelihood(features.log_deviation, disparity, teacher, DEPTHS).loss.backward()
    taught = {name for name, p in student.named_parameters() if p.grad is not None}
    assert taught == {'uncertainty.conv.weight', 'uncertainty.conv.bias'}
    assert teacher.grad is None


def test_the_head_changes_no_depth() -> None:
    torch.manual_seed(0)
    student = SmallDepthNet(SHAPE).eval()
    plain = SmallDepthNet(dataclasses.replace(SHAPE, uncertainty=False)).eval()
    state = {n: t for n, t in student.state_dict().items() if not n.startswith('uncertainty.')}
    plain.load_state_dict(state)
    image = torch.randn(1, 3, 32, 64)
    assert plain.features(image).log_deviation is None
    torch.testing.assert_close(student.read(image)[:, :1], plain.read(image))


def test_maps_of_different_shapes_are_refused() -> None:
    a, b = torch.rand(1, 1, 4, 4), torch.rand(1, 1, 8, 8)
    with pytest.raises(FrameError, match='must have one shape'):
        distance_likelihood(a, a, b, DEPTHS)


def test_an_uncertainty_that_nothing_trains_is_refused() -> None:
    wanted = StudentSettings(network=SHAPE)
    check_uncertainty(wanted, is_taught=True)
    check_uncertainty(StudentSettings(), is_taught=False)
    with pytest.raises(SettingError, match=r'network\.uncertainty .* uncertainty\.weight .* no t'):
        check_uncertainty(wanted, is_taught=False)
    untrained = dataclasses.replace(wanted, uncertainty=UncertaintySettings(weight=0.0))
    with pytest.raises(SettingError, match=r'network\.uncertainty .* uncertainty\.weight is 0'):
        check_uncertainty(untrained, is_taught=True)
