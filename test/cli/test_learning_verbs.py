"""``train``, ``evaluate`` and ``export``, called as people call them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsd_ros.cli.main import main
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera, Frame

SMALL = [
    *('--set', 'loop.batch_size=2', '--set', 'loop.workers=0', '--set', 'loop.device=cpu'),
    *('--set', 'loop.threads=1'),
    *('--set', 'data.width=96', '--set', 'data.height=64', '--set', 'pose.widths=[8, 16]'),
    *('--set', 'network.encoder_widths=[8, 8, 8, 8, 8]', '--max-steps', '2'),
]


@pytest.fixture(scope='module')
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('data') / 'hall'
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(path, SyntheticDrive('corridor', 0, camera, 7, start_s=3.0))
    return path


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory, sequence: Path) -> Path:
    run = tmp_path_factory.mktemp('runs') / 'student'
    assert main(['train', 'student', '--data', str(sequence), '--out', str(run), *SMALL]) == 0
    return run / 'weights.safetensors'


def refusal(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    assert main([str(word) for word in argv]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    return lines[-1]


def test_a_trained_student_is_evaluated_against_truth_and_priors(
    trained: Path, sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        'evaluate',
        '--weights',
        str(trained),
        '--data',
        str(sequence),
        '--backend',
        'torch',
    ]
    pictures = tmp_path / 'pictures'
    out = tmp_path / 'errors.json'
    assert main([*command, '--json', str(out), '--pictures', str(pictures)]) == 0
    score = json.loads(out.read_text())['hall']
    assert 0 < score['abs_rel'] < 2
    assert set(score['priors']) == {'mean_map', 'row_prior', 'constant'}
    # the row prior was fitted on these very images: it cannot lose against a constant
    assert score['priors']['row_prior']['abs_rel'] < score['priors']['constant']['abs_rel']
    assert score['scale_median'] > 0
    assert score['ate_m'] >= 0
    assert score['length_m'] > 0
    assert list(pictures.glob('hall_*.png'))
    table = capsys.readouterr().out
    assert 'row prior' in table
    assert 'ATE' in table


def test_depth_as_the_weights_say_it_is_that_of_the_camera_s_focal_length(
    trained: Path, sequence: Path, tmp_path: Path
) -> None:
    from lsd_ros.models.checkpoint import change_card

    scales = []
    for focal_px in (0.0, 240.0):  # the camera's is 60 at the size of the network's input
        weights = Path(shutil.copy(trained, tmp_path))
        change_card(weights, metric=True, metres_per_unit=2.0, focal_px=focal_px)
        out = tmp_path / 'errors.json'
        call = ['evaluate', '--weights', str(weights), '--data', str(sequence), '--json', str(out)]
        assert main([*call, '--backend', 'torch']) == 0
        scales.append(json.loads(out.read_text())['hall']['scale_median'])
    assert scales[1] == pytest.approx(4 * scales[0], rel=1e-3)


def test_a_teacher_is_judged_as_its_students_are(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / 'teacher', tmp_path / 'errors.json'
    small = [
        *SMALL[:-4],
        *('--set', 'network.hidden_encoder_widths=[8, 8, 8, 8, 8]'),
        *('--set', 'network.teacher.group_widths=[8, 8, 8, 8, 8, 8]'),
        *('--set', 'network.teacher.group_blocks=[1, 1, 1, 0, 1, 1]', '--max-steps', '1'),
        *('--set', 'metric.weight=0.1', '--set', 'metric.metres_per_unit=3'),
        *('--set', 'metric.focal_px=40'),
    ]
    assert main(['train', 'teacher', '--data', str(sequence), '--out', str(run), *small]) == 0
    judge = ['evaluate', '--weights', str(run), '--data', str(sequence), '--json', str(out)]
    assert main(judge) == 0
    score = json.loads(out.read_text())['hall']
    assert 0 < score['abs_rel'] < 2
    assert score['ate_m'] >= 0
    assert '(teacher of 1 steps, metric)' in capsys.readouterr().out

    from lsd_ros.cli.evaluate.teacher_engine import TeacherEngine
    from lsd_ros.inference.engine_settings import EngineSettings

    teacher = TeacherEngine(run, EngineSettings())
    camera = Camera(192, 128, 120.0, 120.0, 95.5, 63.5)  # 60 at the size of the network's input
    image = np.zeros((128, 192, 3), np.uint8)
    scale = teacher.process(Frame(0, 'camera', image, camera), motion=False).scale
    assert (scale.metric, scale.factor) == (True, pytest.approx(3.0 * 60 / 40))


def test_a_perfect_prediction_has_no_error_in_the_score(sequence: Path) -> None:
    """The truth itself goes through the same comparison as a network."""
    from types import SimpleNamespace

    from lsd_ros.cli.evaluate.scoring import Protocol, score_depth
    from lsd_ros.datasets.open_sequences import open_sequences

    source = open_sequences([sequence])[0]
    index_of = {int(stamp): index for index, stamp in enumerate(source.stamps_ns)}

    class Oracle:
        def process(self, frame: object, *, motion: bool, uncertainty: bool) -> object:
            truth = source.depth(index_of[frame.stamp_ns])  # type: ignore[attr-defined]
            assert truth is not None
            depth = np.where(np.isnan(truth), 60.0, truth) / 3
            return SimpleNamespace(depth=depth, uncertainty=depth / 10)

    score = score_depth(Oracle(), source, Protocol())  # type: ignore[arg-type]
    assert score['abs_rel'] == pytest.approx(0, abs=1e-6)
    assert score['scale_median'] == pytest.approx(3)
    assert score['unscaled']['abs_rel'] == pytest.approx(2 / 3, rel=1e-5)
    assert score['priors']['mean_map']['abs_rel'] < score['priors']['constant']['abs_rel']
    assert score['uncertainty']['coverage_1'] == 1


def test_an_exported_model_says_what_it_is_and_gives_the_same_numbers(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip('onnx')
    runtime = pytest.importorskip('onnxruntime')
    import torch

    from lsd_ros.inference.rewrite import depth_inference
    from lsd_ros.models.checkpoint import load_weights

    out = tmp_path / 'depth.onnx'
    command = ['export', '--weights', str(trained), '--out', str(out)]
    assert main([*command, '--width', '128', '--height', '64']) == 0
    assert 'differs from torch' in capsys.readouterr().out
    properties = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert json.loads(properties['lsd_ros.card'])['trained'] is True
    assert json.loads(properties['lsd_ros.depths']) == {'min_depth': 0.1, 'max_depth': 100.0}

    image = np.random.default_rng(5).integers(0, 256, (1, 64, 128, 3), np.uint8)
    found = runtime.InferenceSession(out).run(None, {'image': image})[0]
    with torch.inference_mode():
        wanted = depth_inference(load_weights(trained))(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_dynamic_model_takes_other_sizes_and_more_images(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = pytest.importorskip('onnxruntime')
    import torch

    from lsd_ros.inference.rewrite import pose_inference
    from lsd_ros.models.checkpoint import load_weights

    out = tmp_path / 'pose.onnx'
    command = ['export', '--weights', str(trained), '--out', str(out), '--network', 'pose']
    assert main([*command, '--dynamic', '--width', '128', '--height', '64']) == 0
    assert 'pose network, any size' in capsys.readouterr().out
    images = np.random.default_rng(5).integers(0, 256, (6, 96, 160, 3), np.uint8)
    found = runtime.InferenceSession(out).run(None, {'image': images})[0]
    with torch.inference_mode():
        wanted = pose_inference(load_weights(trained))(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('dynamic', [False, True])
def test_an_exported_openvino_model_gives_the_same_numbers(
    dynamic: bool, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    openvino = pytest.importorskip('openvino')
    import torch

    from lsd_ros.inference.backends.openvino import the_core
    from lsd_ros.inference.rewrite import depth_inference
    from lsd_ros.models.checkpoint import load_weights

    out = tmp_path / 'depth.xml'
    command = ['export', '--weights', str(trained), '--format', 'openvino', '--width', '128']
    more = ['--dynamic'] if dynamic else []
    assert main([*command, '--height', '64', '--out', str(out), *more]) == 0
    assert 'OpenVINO differs from torch' in capsys.readouterr().out
    model = the_core().read_model(out)
    assert json.loads(model.get_rt_info(['lsd_ros', 'card']).astype(str))['trained'] is True
    size = (2, 96, 128) if dynamic else (1, 64, 128)
    images = np.random.default_rng(5).integers(0, 256, (*size, 3), np.uint8)
    full = {'INFERENCE_PRECISION_HINT': 'f32'}
    found = openvino.compile_model(model, 'CPU', full)([images])[0]
    with torch.inference_mode():
        wanted = depth_inference(load_weights(trained))(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_different_model_fails_the_parity_check(trained: Path) -> None:
    runtime = pytest.importorskip('onnxruntime')
    from lsd_ros.cli.export.action import TOLERANCE, measured_parity
    from lsd_ros.inference.onnx_export import onnx_bytes
    from lsd_ros.inference.rewrite import depth_inference
    from lsd_ros.models.checkpoint import load_weights, untrained_weights

    shape = (1, 64, 96, 3)
    model = onnx_bytes(depth_inference(load_weights(trained)), shape)
    other = depth_inference(untrained_weights())
    session = runtime.InferenceSession(model)

    def run(image: np.ndarray) -> np.ndarray:
        return session.run(None, {'image': image})[0]

    assert measured_parity(other, run, [shape]).relative > TOLERANCE


def test_export_refuses_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'depth.onnx'
    assert 'multiples of 32' in refusal(capsys, 'export', '--out', out, '--width', '100')
    assert "ends in '.xml'" in refusal(capsys, 'export', '--format', 'openvino', '--out', out)
    assert '--out is missing' in refusal(capsys, 'export', '--network', 'pose')
    graphs = ('export', '--format', 'graphs', '--out', out)
    assert '--width is 64: graphs hold both' in refusal(capsys, *graphs, '--width', '64')
    assert '--network is pose' in refusal(capsys, *graphs, '--network', 'pose')
    out.write_text('mine')
    assert 'exists already' in refusal(capsys, 'export', '--out', out)
    assert out.read_text() == 'mine'


def test_train_refuses_bad_input_and_writes_nothing(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / 'run'
    train = ('train', 'student', '--out', run, *SMALL)
    (tmp_path / 'empty').mkdir()
    assert 'holds no sequence' in refusal(capsys, *train, '--data', tmp_path / 'empty')
    assert 'does not exist' in refusal(capsys, *train, '--data', tmp_path / 'missing')
    typo = refusal(capsys, *train, '--data', sequence, '--set', 'loop.batchsize=4')
    assert "did you mean 'loop.batch_size'" in typo
    wrong = refusal(capsys, *train, '--data', sequence, '--set', 'optimiser.schedule=zigzag')
    assert "choose one of 'constant', 'step', 'cosine'" in wrong
    no_teacher = refusal(capsys, *train, '--data', sequence, '--teacher', tmp_path / 'none')
    assert 'holds no training' in no_teacher
    config = tmp_path / 'c.yaml'
    config.write_text('loop: {max_step: 5}')
    assert "did you mean 'loop.max_steps'" in refusal(
        capsys, *train, '--data', sequence, '--config', config
    )
    assert not run.exists()


def test_a_missing_library_is_named(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    for name in ('phases', 'trainer', 'recorder', 'guard'):
        monkeypatch.delitem(sys.modules, f'lsd_ros.training.{name}', raising=False)
    monkeypatch.setitem(sys.modules, 'lightning_fabric', None)
    said = refusal(
        capsys, 'train', 'student', '--out', tmp_path / 'run', '--data', sequence, *SMALL
    )
    assert 'lightning_fabric: install lsd_ros[training]' in said


def test_three_frames_are_the_least(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(tmp_path / 'short', SyntheticDrive('corridor', 0, camera, 2))
    said = refusal(
        capsys, 'train', 'student', '--out', tmp_path / 'run', '--data', tmp_path / 'short', *SMALL
    )
    assert 'short has 2 frames: a snippet needs 3' in said
    assert not (tmp_path / 'run').exists()


def test_a_teacher_for_the_teacher_is_a_wrong_call(sequence: Path, tmp_path: Path) -> None:
    argv = ['train', 'teacher', '--data', str(sequence), '--out', str(tmp_path / 'run')]
    with pytest.raises(SystemExit) as caught:
        main([*argv, '--teacher', 'somewhere'])
    assert caught.value.code == 2


def test_shares_that_do_not_fit_leave_no_folder(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ['train', 'student', '--data', sequence, '--out', tmp_path / 'run', *SMALL]
    said = refusal(capsys, *call, '--set', 'data.shares=[nope_* 1]')
    assert 'data.shares says nothing of hall' in said
    assert not (tmp_path / 'run').exists(), 'the call that is right would be refused'


def test_evaluate_refuses_data_without_truth(
    trained: Path, sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    shutil.copytree(sequence, tmp_path / 'blind')
    (tmp_path / 'blind' / 'poses.tum').unlink()
    shutil.rmtree(tmp_path / 'blind' / 'depth')
    out = tmp_path / 'errors.json'
    said = refusal(
        capsys, 'evaluate', '--weights', trained, '--data', tmp_path / 'blind', '--json', out
    )
    assert 'has true depth or poses: give one that has, or compare' in said
    assert '--without-truth' in said
    assert not out.exists()


def test_evaluate_refuses_two_sequences_of_one_name_before_the_work(
    trained: Path, sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sequence, tmp_path / sequence.name)
    shutil.rmtree(tmp_path / sequence.name / 'depth')
    both = [sequence, tmp_path / sequence.name]
    said = refusal(capsys, 'evaluate', '--weights', trained, '--data', *both)
    assert f'two sequences are called {sequence.name}: evaluate them apart' in said
