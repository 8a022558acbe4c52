import dataclasses

import pytest
import torch

from lsd_ros.errors import FrameError, SettingError
from lsd_ros.models.bridge import BridgedTeacher, BridgedTeacherSettings
from lsd_ros.models.large_depth_net import LargeDepthSettings
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.small_depth_net import DepthFeatures, SmallDepthNet
from lsd_ros.training.approximation import ApproximationSettings, approximation_loss

STUDENT = SmallDepthSettings(encoder_widths=(4, 6, 8, 10, 12), full_width=4)
TEACHER = LargeDepthSettings(
    group_widths=(8, 12, 16, 16, 20, 24), group_blocks=(1, 1, 1, 0, 1, 1), full_width=8
)


def features(value: float, dtype: torch.dtype = torch.float64) -> DepthFeatures:
    """Return maps of the right number whose element k of stage i is value * (i + 1)."""
    maps = tuple(torch.full((1, 2, 2, 3), value * (i + 1), dtype=dtype) for i in range(5))
    return DepthFeatures(maps, maps, tuple(m[:, :1] for m in maps[:3]))


@pytest.mark.parametrize(
    ('norm', 'encoder', 'decoder', 'disparity'),
    [
        # differences 2, 4, 6, 8, 10 on either side, 2, 4, 6 for the disparities
        ('mean_absolute', 0.05 * 30, 0.1 * 30, 10 * 12),
        ('mean_squared', 0.05 * 220, 0.1 * 220, 10 * 56),
    ],
)
def test_loss_is_equation_18(norm, encoder, decoder, disparity):
    loss = approximation_loss(features(3.0), features(1.0), ApproximationSettings(norm=norm))
    assert float(loss.parts['encoder']) == pytest.approx(encoder)
    assert float(loss.parts['decoder']) == pytest.approx(decoder)
    assert float(loss.parts['disparity']) == pytest.approx(disparity)
    assert float(loss.total) == pytest.approx(encoder + decoder + disparity)


@pytest.mark.parametrize('left_out', ['encoder', 'decoder', 'disparity'])
def test_each_term_can_be_left_out(left_out):
    whole = approximation_loss(features(3.0), features(1.0))
    loss = approximation_loss(
        features(3.0), features(1.0), ApproximationSettings(**{left_out: 0.0})
    )
    assert left_out not in loss.parts
    assert float(loss.total) == pytest.approx(float(whole.total - whole.parts[left_out]))


def test_without_any_term_there_is_no_loss():
    how = ApproximationSettings(encoder=0.0, decoder=0.0, disparity=0.0)
    assert float(approximation_loss(features(3.0), features(1.0), how).total) == 0


@pytest.mark.parametrize('norm', ['mean_absolute', 'mean_squared'])
def test_gradient_is_that_of_finite_differences(norm):
    torch.manual_seed(0)
    teacher = features(0.3)
    inputs = [torch.rand_like(m).requires_grad_() for m in (*teacher.encoder, *teacher.decoder)]
    inputs += [torch.rand_like(m).requires_grad_() for m in teacher.disparities]

    def loss(*maps):
        student = DepthFeatures(maps[:5], maps[5:10], maps[10:])
        return approximation_loss(student, teacher, ApproximationSettings(norm=norm)).total

    assert torch.autograd.gradcheck(loss, inputs)


def test_student_learns_and_teacher_and_bridges_do_not():
    torch.manual_seed(0)
    student = SmallDepthNet(STUDENT)
    bridged = BridgedTeacher(BridgedTeacherSettings.for_student(STUDENT, TEACHER))
    image = torch.randn(2, 3, 32, 64)
    # not frozen, and with a way back for gradients: the loss itself must cut it
    approximation_loss(student.features(image), bridged.features(image)).total.backward()
    assert not [n for n, p in bridged.named_parameters() if p.grad is not None]
    assert not [n for n, p in student.named_parameters() if not p.grad.abs().sum() > 0]


def test_a_map_of_another_shape_is_refused():
    student = features(3.0)
    wrong = dataclasses.replace(student, decoder=(*student.decoder[:4], torch.zeros(1, 2, 4, 6)))
    with pytest.raises(FrameError, match=r'decoder map 4 of the student is \(1, 2, 4, 6\), but'):
        approximation_loss(wrong, features(1.0))


def test_norms_are_named():
    with pytest.raises(SettingError, match="norm is 'l1': choose one of 'mean_absolute', 'mean"):
        ApproximationSettings(norm='l1')
