import pytest
import torch

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.models.bridge import BridgedTeacher, BridgedTeacherSettings
from lsd_ros.models.large_depth_net import LargeDepthSettings
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.small_depth_net import SmallDepthNet

TINY = LargeDepthSettings(
    group_widths=(8, 12, 16, 16, 20, 24), group_blocks=(1, 1, 1, 0, 1, 1), full_width=8
)
STUDENT = SmallDepthSettings(encoder_widths=(4, 6, 8, 10, 12), full_width=4)
MAPS = ('encoder', 'decoder', 'disparities')
SHAPE = BridgedTeacherSettings.for_student(STUDENT, TINY)


@pytest.mark.parametrize(('height', 'width'), [(64, 96), (32, 160)])
@pytest.mark.parametrize('student', [STUDENT, SmallDepthSettings()])
def test_every_hidden_map_has_the_shape_of_the_map_of_the_student(height, width, student):
    image = torch.randn(2, 3, height, width)
    bridged = BridgedTeacher(BridgedTeacherSettings.for_student(student, TINY))
    taught, learnt = bridged.features(image), SmallDepthNet(student).features(image)
    for name in MAPS:
        hidden, maps = getattr(taught, name), getattr(learnt, name)
        assert [h.shape for h in hidden] == [x.shape for x in maps]


def test_default_bridges_fit_the_default_student():
    BridgedTeacherSettings().check_student(SmallDepthSettings())


@pytest.mark.parametrize(
    ('student', 'part'),
    [
        (SmallDepthSettings(encoder_widths=(4, 6, 8, 10, 16), full_width=4), 'encoder'),
        (SmallDepthSettings(encoder_widths=(4, 6, 8, 10, 12), full_width=8), 'decoder'),
    ],
)
def test_a_student_of_other_widths_is_refused(student, part):
    with pytest.raises(SettingError, match=f'{part} widths .* of the student do not fit the'):
        SHAPE.check_student(student)


def test_settings_survive_their_names():
    assert settings.build(BridgedTeacherSettings, settings.values(SHAPE)) == SHAPE
    with pytest.raises(SettingError, match='hidden_encoder_widths is .* must be 5 positive'):
        BridgedTeacherSettings(hidden_encoder_widths=(1, 2))


def _silence(bridge):
    bridge.expand.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))


def test_nothing_gets_past_the_hidden_maps():
    torch.manual_seed(0)
    bridged = BridgedTeacher(SHAPE).eval()
    one, other = torch.randn(2, 1, 3, 64, 96)
    with torch.no_grad():
        assert not torch.equal(bridged(one)[0], bridged(other)[0])
        for bridge in bridged.encoder_bridges:
            _silence(bridge)
        for a, b in zip(bridged(one), bridged(other), strict=True):
            assert torch.equal(a, b), 'the decoder knows the image from the bridges alone'


@pytest.mark.parametrize('level', range(5))
def test_the_next_decoder_stage_and_the_head_read_what_the_bridge_restored(level):
    torch.manual_seed(0)
    bridged = BridgedTeacher(SHAPE).eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        before = bridged.features(image)
        _silence(bridged.decoder_bridges[level])
        after = bridged.features(image)
    for i in range(5):
        same = torch.equal(before.decoder[i], after.decoder[i])
        assert same == (i >= level), 'decoder stages run from 4 to 0'
    for j in range(3):
        same = torch.equal(before.disparities[j], after.disparities[j])
        assert same == (j > level)


def test_every_parameter_of_teacher_and_bridges_gets_a_gradient():
    bridged = BridgedTeacher(SHAPE)
    sum(d.square().mean() for d in bridged(torch.randn(2, 3, 64, 96))).backward()
    assert not [
        name
        for name, p in bridged.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]


def test_a_frozen_teacher_never_changes():
    bridged = BridgedTeacher(SHAPE)
    bridged.freeze()
    bridged.train()
    before = {name: tensor.clone() for name, tensor in bridged.state_dict().items()}
    features = bridged.taught(torch.randn(2, 3, 64, 96))
    for name in MAPS:
        assert not any(x.requires_grad for x in getattr(features, name))
    assert not any(p.requires_grad for p in bridged.parameters())
    for name, tensor in bridged.state_dict().items():
        assert torch.equal(tensor, before[name]), f'{name}: not even the running means'
