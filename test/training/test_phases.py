from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lsd_ros import config, settings
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.errors import DatasetError, LsdError, SettingError, TrainingError
from lsd_ros.geometry.depth import depth_from_disparity
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.data.snippet_batch import collate
from lsd_ros.training.data.snippets import SnippetDataset
from lsd_ros.training.depth_task import DepthTask
from lsd_ros.training.imitation import Imitation
from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings, check_trained
from lsd_ros.training.phases import train_student, train_teacher
from lsd_ros.training.recorder import read_metrics
from lsd_ros.training.self_supervised_task import StudentTask
from lsd_ros.training.trained_teacher import read_teacher
from lsd_ros.types import Camera, Frame

WIDTHS = (8, 8, 16, 16, 24)
BOTH: dict[str, Any] = {
    'loop.max_steps': 3,
    'loop.batch_size': 2,
    'loop.workers': 0,
    'loop.threads': 1,
    'loop.device': 'cpu',
    'data.width': 96,
    'data.height': 64,
    'pose.widths': (8, 16, 32),
    'optimiser.warmup_steps': 0,
    'record.log_every': 1,
    'record.picture_every': 2,
}
TEACHER = {
    **BOTH,
    'network.teacher.group_widths': (8, 8, 8, 8, 16, 16),
    'network.teacher.group_blocks': (1, 1, 1, 0, 1, 1),
    'network.teacher.full_width': 8,
    'network.hidden_encoder_widths': WIDTHS,
}
STUDENT = {**BOTH, 'network.encoder_widths': WIDTHS}


@pytest.fixture(scope='module')
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('data') / 'room'
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(path, SyntheticDrive('room', 1, camera, 8))
    return path


@pytest.fixture(scope='module')
def teacher(tmp_path_factory: pytest.TempPathFactory, sequence: Path) -> Path:
    out = tmp_path_factory.mktemp('runs') / 'teacher'
    train_teacher(settings.build(TeacherSettings, TEACHER), open_sequences([sequence]), out)
    return out


def student(given: dict[str, Any], data: Path, out: Path, **options: Any) -> Path:
    wanted = settings.build(StudentSettings, {**STUDENT, **given})
    train_student(wanted, open_sequences([data]), out, **options)
    return out / 'weights.safetensors'


@pytest.fixture(scope='module')
def first(tmp_path_factory: pytest.TempPathFactory, sequence: Path) -> Path:
    """Return the weights of a student without a teacher, in its run; no test changes them."""
    return student({}, sequence, tmp_path_factory.mktemp('runs') / 'first')


def test_both_phases_end_in_weights_that_the_engine_takes(
    teacher: Path, sequence: Path, tmp_path: Path
) -> None:
    weights = student({}, sequence, tmp_path / 'run', teacher=teacher, command='lsd_ros train ...')
    card = load_weights(weights).card
    assert card.trained
    assert not card.metric
    assert (card.data, card.licence) == (('room',), 'Apache-2.0')
    assert card.command == 'lsd_ros train ...'
    engine = Engine.load(EngineSettings(weights=str(weights), backend='torch'))
    source = open_sequences([sequence])[0]
    frame = Frame(0, 'camera', source.image(0), source.camera)
    depth = engine.process(frame, motion=False).depth
    assert depth is not None
    assert engine.info.trained
    figures = (tmp_path / 'run' / 'metrics.jsonl').read_text()
    assert 'approximation/decoder' in figures


def test_the_weights_are_those_of_the_last_checkpoint(first: Path) -> None:
    weights = load_weights(first)
    newest = CheckpointFolder(first.parent / 'checkpoints').newest()
    assert newest is not None
    for name, value in weights.depth.state_dict().items():
        assert torch.equal(value, newest.state['average'][f'module.depth.{name}'])


def test_a_finished_training_is_finished_again_with_the_same_weights(
    first: Path, sequence: Path, tmp_path: Path
) -> None:
    run = tmp_path / 'run'
    shutil.copytree(first.parent, run)
    (run / first.name).unlink()
    assert load_weights(student({}, sequence, run)).sha256 == load_weights(first).sha256


def test_the_teacher_does_not_change_in_phase_2(teacher: Path, sequence: Path) -> None:
    taught = read_teacher(teacher)
    before = {name: value.clone() for name, value in taught.network.state_dict().items()}
    wanted = settings.build(StudentSettings, {**STUDENT, 'taught_frames': 'all'})
    task = StudentTask(
        SmallDepthNet(wanted.network), PoseNet(wanted.pose), wanted, taught.network
    ).train()
    snippets = SnippetDataset(open_sequences([sequence]), wanted.data)
    result = task(collate([snippets[0], snippets[1]]))
    result.loss.backward()
    assert not any(p.grad is not None for p in taught.network.parameters())
    assert all(p.grad is not None for p in task.trained.parameters())
    for name, value in taught.network.state_dict().items():
        assert torch.equal(value, before[name]), name
    parts = sum(float(value) for value in result.scalars.values())
    assert float(result.loss.detach()) == pytest.approx(parts, rel=1e-5)


def test_metric_training_makes_metric_weights(sequence: Path, tmp_path: Path) -> None:
    given = {'metric.weight': 0.1, 'metric.metres_per_unit': 2.0, 'metric.focal_px': 70.0}
    card = load_weights(student(given, sequence, tmp_path / 'run')).card
    assert (card.metric, card.metres_per_unit, card.focal_px) == (True, 2.0, 70.0)
    assert card.commercial_use


def test_a_training_starts_from_what_was_trained_before(
    teacher: Path, first: Path, sequence: Path, tmp_path: Path
) -> None:
    slow = {'optimiser.learning_rate': 1e-9, 'optimiser.average': 0.0, 'loop.max_steps': 1}
    wider = {**slow, 'data.width': 128, 'loop.seed': 1, 'start_from': str(first)}
    second = student(wider, sequence, tmp_path / 'second')
    before, after = load_weights(first), load_weights(second)
    for name in ('depth', 'pose'):
        theirs = getattr(before, name).named_parameters()
        for (label, there), here in zip(theirs, getattr(after, name).parameters(), strict=True):
            torch.testing.assert_close(here, there, rtol=0, atol=1e-6, msg=label)
    assert (after.card.data, after.card.licence) == (('room',), 'Apache-2.0')
    wanted = {**TEACHER, **slow, 'loop.seed': 1, 'start_from': str(teacher)}
    trained = train_teacher(
        settings.build(TeacherSettings, wanted), open_sequences([sequence]), tmp_path / 'third'
    )
    depth = trained.result.get_submodule('depth')
    for there, here in zip(
        read_teacher(teacher).network.parameters(), depth.parameters(), strict=True
    ):
        torch.testing.assert_close(here, there, rtol=0, atol=1e-6)
    for changed in ({'input.colour': 'grey'}, {'network.full_width': 16}, {'pose.widths': (8,)}):
        with pytest.raises(SettingError, match=next(iter(changed)).split('.')[0]):
            student({**wider, **changed}, sequence, tmp_path / 'fourth')
    assert not (tmp_path / 'fourth').exists()


def test_a_start_may_have_another_range_of_depth_and_keeps_its_depth(
    first: Path, sequence: Path, tmp_path: Path
) -> None:
    still = {'optimiser.learning_rate': 1e-9, 'optimiser.average': 0.0, 'loop.max_steps': 1}
    near = {**still, 'start_from': str(first), 'input.max_depth': 7.5, 'input.min_depth': 0.02}
    before, after = load_weights(first), load_weights(student(near, sequence, tmp_path / 'near'))
    assert after.depths.max_depth == 7.5
    with torch.no_grad():
        planes = torch.randn(1, 3, 64, 96)
        there, here = (
            depth_from_disparity(w.depth.eval()(planes)[1], w.depths) for w in (before, after)
        )
    near_enough = (there < 5) & (there > 0.2)
    assert near_enough.float().mean() > 0.5
    ratio = (here / there)[near_enough]
    assert float(ratio.min()) > 0.5, 'a changed range alone would give a fifth'
    assert float(ratio.max()) < 1.2


def test_the_decoder_takes_half_from_the_encoder_again(
    first: Path, sequence: Path, tmp_path: Path
) -> None:
    slow = {'optimiser.learning_rate': 1e-9, 'optimiser.average': 0.0, 'loop.max_steps': 1}
    opened = {**slow, 'open_skips': True, 'start_from': str(first)}
    before = load_weights(first).depth.state_dict()
    after = load_weights(student(opened, sequence, tmp_path / 'second')).depth
    maps = torch.rand(1, 8, 6, 6), torch.rand(1, 8, 6, 6)
    for stage in list(after.decoder)[1:]:
        shares = stage.get_submodule('fuse.weighting')(*maps)
        torch.testing.assert_close(shares, torch.full_like(shares, 0.5), rtol=0, atol=1e-6)
    for name, here in after.named_parameters():
        if '.fuse.weighting.squeeze' not in name or 'block' in name:
            torch.testing.assert_close(here, before[name], rtol=0, atol=1e-6)


def test_what_was_learned_before_stays_in_the_provenance(
    teacher: Path, sequence: Path, tmp_path: Path
) -> None:
    other = tmp_path / 'kitchen'
    shutil.copytree(sequence, other)
    manifest = other / 'manifest.yaml'
    manifest.write_text(manifest.read_text().replace('Apache-2.0', 'CC BY-NC 4.0'))
    first = student({}, other, tmp_path / 'first')
    assert not load_weights(first).card.commercial_use
    card = load_weights(student({'start_from': str(first)}, sequence, tmp_path / 'second')).card
    assert (card.data, card.licence) == (('room', 'kitchen'), 'Apache-2.0; CC BY-NC 4.0')
    assert not card.commercial_use
    taught = load_weights(student({}, other, tmp_path / 'third', teacher=teacher)).card
    assert (taught.data, taught.licence) == (('kitchen', 'room'), 'Apache-2.0; CC BY-NC 4.0')


def test_metric_training_moves_towards_the_measured_length(sequence: Path, tmp_path: Path) -> None:
    given = {'metric.weight': 1.0, 'loop.max_steps': 20, 'optimiser.learning_rate': 3e-3}
    student({**given, 'objective.scales': 2}, sequence, tmp_path / 'run')
    errors = read_metrics(tmp_path / 'run' / 'metrics.jsonl')['metric']
    assert sum(errors[-4:]) < 0.8 * sum(errors[:4])


def test_poses_take_the_place_of_estimated_motions(sequence: Path, tmp_path: Path) -> None:
    given = {'data.motion_from_poses': True, 'metric.motion': 1.0, 'loop.max_steps': 30}
    given |= {'optimiser.learning_rate': 1e-2, 'pose.output_scale': 0.1}
    given |= {'objective.scales': 2, 'data.augmentation.enabled': False}
    card = load_weights(student(given, sequence, tmp_path / 'run')).card
    assert card.metric
    errors = read_metrics(tmp_path / 'run' / 'metrics.jsonl')['motion']
    assert sum(errors[-4:]) < 0.8 * sum(errors[:4])
    with pytest.raises(SettingError, match='set both'):
        student({'data.motion_from_poses': True}, sequence, tmp_path / 'other')


def test_the_pose_network_alone_learns_and_leaves_depth_as_it_is(
    sequence: Path, tmp_path: Path
) -> None:
    first = student({'pose.output_scale': 0.1}, sequence, tmp_path / 'first')
    alone = {
        'trained': 'pose',
        'start_from': str(first),
        'data.motion_from_poses': True,
        'metric.motion': 1.0,
        'pose.output_scale': 0.1,
        'optimiser.learning_rate': 1e-2,
        'loop.max_steps': 30,
    }
    turned = {**alone, 'data.augmentation.turn_deg': 1.0}
    seen = {
        **turned,
        'pose.focal_px': 60.0,
        'data.gap_multiples': (0, 1, 2),
    }  # start_from saw cameras as they are
    before, after = load_weights(first), load_weights(student(seen, sequence, tmp_path / 'run'))
    assert (before.pose.shape.focal_px, after.pose.shape.focal_px) == (0.0, 60.0)
    for name, there in before.depth.state_dict().items():
        assert torch.equal(there, after.depth.state_dict()[name]), name
    errors = read_metrics(tmp_path / 'run' / 'metrics.jsonl')['motion']
    assert sum(errors[-4:]) < 0.8 * sum(errors[:4])
    standing = {**alone, 'data.gap_multiples': (0, 1), 'trained': 'both'}
    for wrong in ({**alone, 'start_from': ''}, {**turned, 'trained': 'both'}, standing):
        with pytest.raises(SettingError, match="trained .*'pose'"):
            student(wrong, sequence, tmp_path / 'wrong')


@pytest.fixture(scope='module')
def shown(tmp_path_factory: pytest.TempPathFactory, sequence: Path) -> Path:
    """Weights that were shown the true depth of the sequence."""
    known = {
        'trained': 'depth',
        'data.true_depth': True,
        'truth.weight': 1.0,
        'metric.metres_per_unit': 2.0,
        'optimiser.learning_rate': 1e-2,
        'loop.max_steps': 40,
    }
    return student(known, sequence, tmp_path_factory.mktemp('shown') / 'run')


def test_the_pose_network_alone_learns_from_images_and_leaves_depth_as_it_is(
    shown: Path, sequence: Path, tmp_path: Path
) -> None:
    images = {
        'trained': 'pose',
        'start_from': str(shown),
        'objective.selection': 'minimum',
        'data.gap': 1,
        'data.augmentation.enabled': False,
        'optimiser.learning_rate': 1e-2,
        'loop.max_steps': 60,
    }
    before, after = load_weights(shown), load_weights(student(images, sequence, tmp_path / 'run'))
    for name, there in before.depth.state_dict().items():
        assert torch.equal(there, after.depth.state_dict()[name]), name
    assert (after.card.metric, after.card.metres_per_unit) == (True, 2.0), 'depth is as it was'
    errors = read_metrics(tmp_path / 'run' / 'metrics.jsonl')['photometric']
    assert sum(errors[-10:]) < 0.95 * sum(errors[:10])


def test_an_anchor_holds_depth_to_its_start_and_a_rate_slows_it(
    shown: Path, sequence: Path, tmp_path: Path
) -> None:
    images = {
        'start_from': str(shown),
        'objective.bidirectional': False,
        'data.gap': 1,
        'data.augmentation.enabled': False,
        'optimiser.learning_rate': 3e-3,
        'optimiser.average': 0.0,
        'optimiser.schedule': 'constant',
        'loop.max_steps': 20,
    }
    start = load_weights(shown).depth
    camera, step = open_sequences([sequence])[0], 4
    planes = torch.from_numpy(camera.image(step)).permute(2, 0, 1)[None].float() / 255

    def moved(name: str, **given: Any) -> tuple[float, float]:
        """Say how far depth went, and how far its parameters did."""
        depth = load_weights(student({**images, **given}, sequence, tmp_path / name)).depth
        with torch.inference_mode():
            now, then = (network.read((planes - 0.45) / 0.225) for network in (depth, start))
            pairs = zip(depth.parameters(), start.parameters(), strict=True)
            way = sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5
        return float((now.log() - then.log()).abs().mean()), way

    free, held, slow = moved('free'), moved('held', anchor=10.0), moved('slow', depth_rate=0.01)
    assert held[0] < 0.3 * free[0]
    assert 'anchor/disparity' in read_metrics(tmp_path / 'held' / 'metrics.jsonl')
    assert slow[1] < 0.1 * free[1]
    with pytest.raises(SettingError, match='depth_rate is 0.1, and trained is'):
        student({**images, 'depth_rate': 0.1, 'trained': 'pose'}, sequence, tmp_path / 'wrong')
    for wrong in ({'start_from': ''}, {'trained': 'pose'}):
        with pytest.raises(SettingError, match='anchor is 1.0: it holds to the depth network'):
            student({**images, 'anchor': 1.0, **wrong}, sequence, tmp_path / 'wrong')


@pytest.mark.parametrize(
    ('wrong', 'remedy'),
    [
        ({'data.augmentation.turn_deg': 1.0}, 'pose network alone; set this to 0$'),
        ({'data.gap_multiples': (0, 1)}, 'no depth; leave 0 out$'),
        (
            {'data.true_depth': True, 'data.augmentation.depth_mix': 0.5},
            "set trained to 'depth', or this to 0$",
        ),
    ],
)
def test_a_teacher_is_told_what_teachers_can_do(wrong: dict[str, Any], remedy: str) -> None:
    wanted = settings.build(TeacherSettings, {**TEACHER, **wrong})
    with pytest.raises(SettingError, match=remedy):
        check_trained(wanted, is_taught=False)


def test_the_depth_network_alone_learns_true_depth_and_leaves_motions_as_they_are(
    first: Path, sequence: Path, tmp_path: Path
) -> None:
    alone = {
        'trained': 'depth',
        'start_from': str(first),
        'data.true_depth': True,
        'truth.weight': 1.0,
        'truth.gradient': 0.5,
        'metric.metres_per_unit': 2.0,
        'optimiser.learning_rate': 1e-2,
        'loop.max_steps': 30,
    }
    before, after = load_weights(first), load_weights(student(alone, sequence, tmp_path / 'run'))
    assert (before.card.metric, after.card.metric) == (False, True)
    there, here = before.depth.state_dict(), after.depth.state_dict()
    unread = [name for name in there if name.startswith(('decoder.0.', 'heads.0.'))]
    changed = [name for name in there if not torch.equal(there[name], here[name])]
    assert unread
    assert not set(unread) & set(changed)
    assert {'heads.1.conv.weight', 'encoder.0.0.conv.weight'} <= set(changed)
    for name, value in before.pose.state_dict().items():
        assert torch.equal(value, after.pose.state_dict()[name]), name
    errors = read_metrics(tmp_path / 'run' / 'metrics.jsonl')['truth']
    assert sum(errors[-4:]) < 0.6 * sum(errors[:4])
    with pytest.raises(SettingError, match="trained is 'depth': give data.true_depth"):
        student({'trained': 'depth'}, sequence, tmp_path / 'wrong')
    with pytest.raises(SettingError, match='whose pose is .*focal_px=0.0.* is wanted: choose'):
        student({**alone, 'pose.focal_px': 60.0}, sequence, tmp_path / 'wrong')


def test_a_teacher_learns_true_depth_and_a_student_imitates_it_in_that(
    sequence: Path, tmp_path: Path
) -> None:
    alone = {
        'trained': 'depth',
        'data.true_depth': True,
        'truth.weight': 1.0,
        'metric.metres_per_unit': 2.0,
        'optimiser.learning_rate': 3e-3,
        'loop.max_steps': 20,
    }
    wanted = settings.build(TeacherSettings, {**TEACHER, **alone})
    train_teacher(wanted, open_sequences([sequence]), tmp_path / 'teacher')
    errors = read_metrics(tmp_path / 'teacher' / 'metrics.jsonl')['truth']
    assert sum(errors[-4:]) < 0.7 * sum(errors[:4])
    given = {**alone, 'network.uncertainty': True}
    weights = student(given, sequence, tmp_path / 'run', teacher=tmp_path / 'teacher')
    assert load_weights(weights).card.metric
    columns = read_metrics(tmp_path / 'run' / 'metrics.jsonl')
    for name in ('truth', 'approximation/disparity', 'uncertainty'):
        assert sum(columns[name][-4:]) < sum(columns[name][:4]), name


def test_every_weight_of_a_depth_network_that_imitates_alone_gets_a_gradient(
    teacher: Path, sequence: Path
) -> None:
    given = {'trained': 'depth', 'data.true_depth': True, 'truth.weight': 1.0}
    wanted = settings.build(StudentSettings, {**STUDENT, **given})
    imitation = Imitation(read_teacher(teacher).network, wanted)
    task = DepthTask(SmallDepthNet(wanted.network), PoseNet(wanted.pose), wanted, imitation)
    snippets = SnippetDataset(open_sequences([sequence]), wanted.data)
    result = task.train()(collate([snippets[0], snippets[1]]))
    result.loss.backward()
    wanting = {name for name, p in task.named_parameters() if p.requires_grad}
    assert {name for name, p in task.named_parameters() if p.grad is not None} == wanting
    assert all(name.startswith('networks.depth.') for name in wanting)
    parts = sum(float(value) for value in result.scalars.values())
    assert float(result.loss.detach()) == pytest.approx(parts, rel=1e-5)


def test_a_student_learns_its_uncertainty_and_says_it_at_use(
    teacher: Path, sequence: Path, tmp_path: Path
) -> None:
    given = {'network.uncertainty': True, 'taught_frames': 'all'}
    weights = student(given, sequence, tmp_path / 'run', teacher=teacher)
    columns = read_metrics(tmp_path / 'run' / 'metrics.jsonl')
    assert columns['uncertainty'][-1] < columns['uncertainty'][0]
    assert all(0 <= share <= 1 for share in columns['uncertainty/coverage'])
    engine = Engine.load(EngineSettings(weights=str(weights), backend='torch'))
    source = open_sequences([sequence])[0]
    frame = Frame(0, 'camera', source.image(0), source.camera)
    estimate = engine.process(frame, motion=False, uncertainty=True)
    assert estimate.uncertainty is not None
    with pytest.raises(SettingError, match=r'network\.uncertainty is true .* no teacher'):
        student(given, sequence, tmp_path / 'alone')
    assert not (tmp_path / 'alone').exists()


def test_pictures_are_drawn(sequence: Path) -> None:
    wanted = settings.build(StudentSettings, STUDENT)
    task = StudentTask(SmallDepthNet(wanted.network), PoseNet(wanted.pose), wanted)
    snippets = SnippetDataset(open_sequences([sequence]), wanted.data)
    pictures = task(collate([snippets[0]])).pictures()
    assert {'image', 'disparity', 'warped', 'error', 'weight'} <= set(pictures)
    assert all(picture.shape == (3, 64, 96) for picture in pictures.values())


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        ({'network.encoder_widths': (8, 8, 16, 16, 32)}, 'widths .* do not fit the bridges'),
        ({'input.colour': 'grey'}, "input.colour is 'grey', and 'rgb' for the teacher"),
        ({'pose.widths': (8, 16)}, 'pose network .* for the teacher: choose the same'),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    teacher: Path, sequence: Path, tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingError, match=sentence):
        student(given, sequence, tmp_path / 'run', teacher=teacher)
    assert not (tmp_path / 'run').exists()


def test_what_is_no_teacher_is_refused(first: Path, sequence: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='trains a student: give the training of a teacher'):
        student({}, sequence, tmp_path / 'run', teacher=first.parent)
    with pytest.raises(TrainingError, match='holds no training'):
        student({}, sequence, tmp_path / 'run', teacher=sequence)
    assert not (tmp_path / 'run').exists()


def test_a_head_that_nothing_trains_cannot_be_read(sequence: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match='read_level is 1, but with objective.scales 1'):
        student({'objective.scales': 1, 'objective.feature': 0.0}, sequence, tmp_path / 'run')


def test_metric_training_without_poses_is_refused(sequence: Path, tmp_path: Path) -> None:
    shutil.copytree(sequence, tmp_path / 'blind')
    (tmp_path / 'blind' / 'poses.tum').unlink()
    with pytest.raises(DatasetError, match='not one of 1 sequences has poses'):
        student({'metric.weight': 0.1}, tmp_path / 'blind', tmp_path / 'run')


def test_a_damaged_image_stops_with_its_name(sequence: Path, tmp_path: Path) -> None:
    shutil.copytree(sequence, tmp_path / 'broken')
    image = sorted((tmp_path / 'broken' / 'images').iterdir())[4]
    image.write_bytes(image.read_bytes()[:20])
    for workers in (0, 1):
        given = {'loop.workers': workers, 'data.gap': 1}
        with pytest.raises(LsdError, match=image.name) as caught:
            student(given, tmp_path / 'broken', tmp_path / f'run{workers}')
        assert '\n' not in str(caught.value)


def test_a_training_of_a_version_with_fewer_settings_goes_on(
    first: Path, sequence: Path, tmp_path: Path
) -> None:
    run = tmp_path / 'run'
    shutil.copytree(first.parent, run)
    card = json.loads((run / 'run.json').read_text())
    del card['settings']['truth.furthest_m']
    (run / 'run.json').write_text(json.dumps(card))
    student({}, sequence, run)
    with pytest.raises(TrainingError, match='truth.furthest_m 80.0, not 50.0'):
        student({'truth.furthest_m': 50.0}, sequence, run)


def test_other_data_are_another_training(first: Path, tmp_path: Path) -> None:
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(tmp_path / 'other', SyntheticDrive('room', 2, camera, 8))
    with pytest.raises(TrainingError, match=r'learns from other data \(room; now other\)'):
        student({}, tmp_path / 'other', first.parent)


CONFIG = Path(__file__).parents[2] / 'config'


@pytest.mark.parametrize(
    ('name', 'cls'), [('teacher.yaml', TeacherSettings), ('student.yaml', StudentSettings)]
)
def test_the_configuration_files_hold_known_settings_at_their_defaults(
    name: str, cls: type
) -> None:
    text = (CONFIG / name).read_text()
    assert settings.values(config.loads(text, cls)) == settings.values(cls())
    assert yaml.safe_load(text)


def test_no_setting_is_dead() -> None:
    sources = (Path(__file__).parents[2] / 'lsd_ros').rglob('*.py')
    code = '\n'.join(path.read_text() for path in sources)
    for cls in (TeacherSettings, StudentSettings):
        for leaf in settings.leaves(cls):
            name = leaf.name.split('.')[-1]
            assert re.search(rf"\.{name}\b|'{name}'[,):]", code), leaf.name


def test_unused_heads_ask_for_no_gradient() -> None:
    wanted = settings.build(
        StudentSettings, {**STUDENT, 'objective.scales': 2, 'objective.feature': 0.0}
    )
    student_net = SmallDepthNet(wanted.network)
    StudentTask(student_net, PoseNet(wanted.pose), wanted)
    asking = [all(p.requires_grad for p in head.parameters()) for head in student_net.heads]
    assert asking == [True, True, False]
    teaching = settings.build(TeacherSettings, TEACHER).network
    StudentTask(student_net, PoseNet(wanted.pose), wanted, BridgedTeacher(teaching))
    assert all(p.requires_grad for p in student_net.parameters())
