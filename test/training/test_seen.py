"""Which images reach which part of a training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lsd_ros import settings
from lsd_ros.models.bridge import BridgedTeacher, BridgedTeacherSettings
from lsd_ros.models.large_depth_net import LargeDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training import self_supervised_task
from lsd_ros.training.data.snippet_batch import SnippetBatch
from lsd_ros.training.depth_task import DepthTask
from lsd_ros.training.imitation import Imitation
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.self_supervised_task import StudentTask

WIDTHS = (8, 8, 16, 16, 24)
SMALL = LargeDepthSettings((8, 8, 8, 8, 16, 16), (1, 1, 1, 0, 1, 1), 8)


def settings_of(**given: Any) -> StudentSettings:
    small = {'network.encoder_widths': WIDTHS, 'pose.widths': (8, 16, 32)}
    return settings.build(StudentSettings, {**small, **given})


def batch(frames: int = 3) -> SnippetBatch:
    generator = torch.Generator().manual_seed(0)

    def images() -> Tensor:
        shape = (2, frames, 3, 64, 96)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    return SnippetBatch(
        images=images(),
        jittered=images(),
        intrinsics=torch.tensor([[60.0, 0, 47.5], [0, 60, 31.5], [0, 0, 1]]).repeat(2, 1, 1),
        translations=torch.full((2, 2), torch.nan),
        known_motions=torch.full((2, 2, 4, 4), torch.nan),
        true_depth=torch.rand((2, 1, 64, 96), generator=generator) + 1,
        names=('a', 'b'),
        stamps_ns=(0, 1),
    )


def teacher() -> BridgedTeacher:
    return BridgedTeacher(BridgedTeacherSettings(SMALL, WIDTHS, 8))


def looked_at(network: BridgedTeacher, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    seen: list[Tensor] = []
    taught = network.taught

    def noted(image: Tensor) -> Any:
        seen.append(image)
        return taught(image)

    monkeypatch.setattr(network, 'taught', noted)
    return seen


def test_the_teacher_sees_the_target_as_the_student_does(monkeypatch) -> None:
    wanted, network, given = settings_of(), teacher(), batch()
    seen = looked_at(network, monkeypatch)
    StudentTask(SmallDepthNet(wanted.network), PoseNet(wanted.pose), wanted, network)(given)
    target = Normalise(wanted.preprocessing)(given.jittered[:, 1].permute(0, 2, 3, 1))
    assert len(seen) == 1
    torch.testing.assert_close(seen[0], target)


def test_the_teacher_of_single_images_sees_those(monkeypatch) -> None:
    wanted = settings_of(**{'trained': 'depth', 'data.true_depth': True, 'truth.weight': 1.0})
    network, given = teacher(), batch(frames=1)
    seen = looked_at(network, monkeypatch)
    student, pose = SmallDepthNet(wanted.network), PoseNet(wanted.pose)
    DepthTask(student, pose, wanted, Imitation(network, wanted))(given)
    image = Normalise(wanted.preprocessing)(given.jittered[:, 0].permute(0, 2, 3, 1))
    torch.testing.assert_close(seen[0], image)


def test_a_teacher_alone_is_enough_where_there_is_no_truth() -> None:
    wanted = settings_of(**{'trained': 'depth', 'data.single_images': True})
    student, pose = SmallDepthNet(wanted.network), PoseNet(wanted.pose)
    result = DepthTask(student, pose, wanted, Imitation(teacher(), wanted))(batch(frames=1))
    assert 'truth' not in result.scalars
    assert {'approximation/encoder', 'approximation/disparity'} <= set(result.scalars)
    result.loss.backward()
    assert student.encoder[0][0].conv.weight.grad.abs().sum() > 0


def test_the_photometric_loss_sees_no_changed_colours(monkeypatch) -> None:
    given, seen = batch(), []
    objective = self_supervised_task.photometric_objective

    def noted(views: Any, *rest: Any) -> Any:
        seen.append(views.images)
        return objective(views, *rest)

    monkeypatch.setattr(self_supervised_task, 'photometric_objective', noted)
    wanted = settings_of()
    StudentTask(SmallDepthNet(wanted.network), PoseNet(wanted.pose), wanted)(given)
    as_they_are = given.images.transpose(0, 1).flatten(0, 1).float() / 255
    torch.testing.assert_close(seen[0], as_they_are)
