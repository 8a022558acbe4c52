from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsd_ros import config, settings
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.main import main
from lsd_ros.datasets.source import open_source
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings, MountSettings
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.messages import encode
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.decode import depth_to_metres, stamp_ns
from lsd_ros.models.checkpoint import change_card
from lsd_ros.publication.publication_settings import GuardedSettings
from lsd_ros.synthetic.drive import SyntheticDrive

Replay = Callable[..., int]


@pytest.fixture
def replay(engine: list[str]) -> Replay:
    def run(source: Path, out: Path, *options: object) -> int:
        if not any('scale.source' in str(option) for option in options):
            options += ('--set', 'scale.source=fixed')  # the node, too, is silent without metres
        return main(['replay', str(source), '--out', str(out), *engine, *map(str, options)])

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_the_same_input_gives_the_same_bytes(
    storage: str, bag: Path, tmp_path: Path, replay: Replay
) -> None:
    folders = [tmp_path / name / 'out' for name in 'ab']
    for folder in folders:
        assert replay(bag, folder, '--storage', storage) == 0
    first, second = map(contents, folders)
    assert first == second
    assert {'config.yaml', 'metadata.yaml'} < first.keys()


def test_every_frame_gives_what_the_engine_says(
    bag: Path, weights: Path, tmp_path: Path, replay: Replay
) -> None:
    chosen = {'points.decimation': 2, 'scale.source': 'fixed'}
    options = [part for name, value in chosen.items() for part in ('--set', f'{name}={value}')]
    assert replay(bag, tmp_path / 'out', *options) == 0
    given = {'weights': str(weights), 'backend': 'torch', 'threads': 1}
    wanted = settings.build(EngineSettings, given | chosen)
    engine = Engine.load(wanted)
    with open_source(bag) as source:
        estimates = [engine.process(frame, uncertainty=True) for frame in source]
    clouds = [CloudBuilder(wanted.points).build(estimate) for estimate in estimates]
    with BagReader(tmp_path / 'out') as out:
        records = {topic.name: list(out.messages([topic.name])) for topic in out.topics()}
    depths = [record.message for record in records['/depth/image_rect']]
    doubts = [record.message for record in records['/depth/uncertainty']]
    infos = [record.message for record in records['/depth/camera_info']]
    assert [stamp_ns(depth.header) for depth in depths] == [e.stamp_ns for e in estimates]
    for record in records['/points']:
        assert record.stamp_ns == record.header_stamp_ns
    for estimate, depth, info in zip(estimates, depths, infos, strict=True):
        assert estimate.depth is not None
        np.testing.assert_array_equal(depth_to_metres(depth), estimate.depth)
        assert camera_from_info(info) == estimate.camera
    for estimate, doubt in zip(estimates, doubts, strict=True):
        np.testing.assert_array_equal(depth_to_metres(doubt), estimate.uncertainty)
    for cloud, record in zip(clouds, records['/points'], strict=True):
        assert bytes(record.message.data) == cloud.points.tobytes()
    moving = [estimate.stamp_ns for estimate in estimates if estimate.motion is not None]
    assert len(moving) == len(estimates) - 2
    odometry = [record.message for record in records['/odom']]
    assert [stamp_ns(each.header) for each in odometry] == [e.stamp_ns for e in estimates]
    lost = [each.pose.covariance[0] >= LOST_VARIANCE for each in odometry]
    assert lost == [True, True] + [False] * len(moving)
    assert [record.stamp_ns for record in records['/tf']] == moving


def test_metres_and_a_mount_give_scans(bag: Path, tmp_path: Path, replay: Replay) -> None:
    chosen = ('--set', 'mount.z_m=0.8', '--set', 'scan.max_range_m=9')
    fixed = ('--set', 'scale.source=fixed')
    assert replay(bag, tmp_path / 'nowhere', *fixed) == 0
    with BagReader(tmp_path / 'nowhere') as out:
        assert '/scan' not in [topic.name for topic in out.topics()]
    assert replay(bag, tmp_path / 'metric', *fixed, *chosen) == 0
    with BagReader(tmp_path / 'metric') as out:
        scans = [record.message for record in out.messages(['/scan'])]
        depths = [record.message for record in out.messages(['/depth/image_rect'])]
    assert [stamp_ns(s.header) for s in scans] == [stamp_ns(d.header) for d in depths]
    assert {(s.header.frame_id, len(s.ranges), s.range_max) for s in scans} == {
        ('base_link', len(scans[0].ranges), 9.0)
    }
    assert len(scans) == 12


def test_the_configuration_beside_the_messages_gives_the_same_again(
    bag: Path, tmp_path: Path, replay: Replay
) -> None:
    assert replay(bag, tmp_path / '1' / 'out', '--set', 'max_depth_m=7') == 0
    made = tmp_path / '1' / 'out' / 'config.yaml'
    assert config.load(made, GuardedSettings).max_depth_m == 7.0
    again = tmp_path / '2' / 'out'
    assert main(['replay', str(bag), '--out', str(again), '--config', str(made)]) == 0
    assert contents(again) == contents(made.parent)


def test_the_frames_are_counted_and_untrained_weights_named(
    bag: Path, tmp_path: Path, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(bag, tmp_path / 'out') == 0
    out, err = capsys.readouterr()
    untrained, no_scan = err.splitlines()
    assert untrained == "warning: the weights 'small' are untrained: depth and motion mean nothing"
    assert no_scan.startswith('warning: nothing comes on /scan: nobody says where the camera sits')
    assert out.startswith('frames in   12\nframes out  12\nskipped     0\nsilent      0\n')
    assert 'small (UNTRAINED), 96 x 64, torch on cpu' in out


def test_weights_that_forbid_commercial_use_say_so_once(
    bag: Path,
    weights: Path,
    tmp_path: Path,
    replay: Replay,
    capsys: pytest.CaptureFixture[str],
) -> None:
    forbidding = Path(shutil.copy(weights, tmp_path / 'street.safetensors'))
    change_card(forbidding, name='street', licence='CC BY-NC 4.0', commercial_use=False)
    for name in ('1', '2'):
        assert replay(bag, tmp_path / name, '--weights', forbidding) == 0
    said = (
        'warning: the weights street were trained on data for non-commercial use only (CC BY-NC '
        '4.0): do not use them commercially, or train your own\n'
    )
    assert capsys.readouterr().err.count(said) == 1


def test_pictures_show_image_and_depth(bag: Path, tmp_path: Path, replay: Replay) -> None:
    assert replay(bag, tmp_path / 'out', '--preview', tmp_path / 'pictures') == 0
    pictures = sorted((tmp_path / 'pictures').iterdir())
    assert [picture.name for picture in pictures] == [f'{i:06}.png' for i in range(12)]
    assert cv2.imread(str(pictures[0])).shape == (64, 2 * 96, 3)


def test_a_truncated_bag_is_salvaged(
    bag: Path, tmp_path: Path, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    (whole,) = bag.glob('*.mcap')
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    assert replay(broken, tmp_path / 'out') == 0
    assert str(broken) in capsys.readouterr().err
    with BagReader(tmp_path / 'out') as out:
        (depth,) = (topic for topic in out.topics() if topic.name == '/depth/image_rect')
    assert 0 < depth.count < 12


def empty_bag(folder: Path) -> Path:
    with BagWriter(folder / 'empty'):
        return folder / 'empty'


def bag_without_images(folder: Path) -> Path:
    with BagWriter(folder / 'deaf') as writer:
        message = encode.pose_stamped(writer.types, 1, 'world', np.eye(4))
        writer.add('/pose', message, 1)
    return folder / 'deaf'


def bag_without_camera(folder: Path) -> Path:
    with BagWriter(folder / 'blind') as writer:
        image = encode.raw_image(writer.types, np.zeros((64, 96, 3), np.uint8), 1, 'camera')
        writer.add('/image', image, 1)
    return folder / 'blind'


def text_file(folder: Path) -> Path:
    (folder / 'notes.txt').write_text('no bag')
    return folder / 'notes.txt'


@pytest.mark.parametrize(
    ('source', 'sentence'),
    [
        (lambda folder: folder / 'none.mcap', 'none.mcap does not exist'),
        (empty_bag, 'is empty: it holds no message'),
        (bag_without_images, 'holds no images: it needs a topic of sensor_msgs/Image'),
        (bag_without_camera, 'no camera calibration: give one with --camera FILE'),
        (text_file, 'notes.txt holds no frames: give a bag'),
        (lambda folder: text_file(folder) / 'bag', 'notes.txt/bag'),
    ],
)
def test_bad_input_is_one_sentence_and_no_output(
    source: Callable[[Path], Path],
    sentence: str,
    tmp_path: Path,
    replay: Replay,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert replay(source(tmp_path), tmp_path / 'new' / 'out') == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('lsd_ros replay: ')
    assert sentence in last
    assert not list(tmp_path.glob('new/*'))


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ('--topic /camera', "topic '/camera' is not in this bag"),
        ('--camera none.yaml', 'cannot read none.yaml: No such file'),
        ('--config none.yaml', 'cannot read none.yaml: No such file'),
        ('--weights none.safetensors', 'weights none.safetensors do not exist'),
        ('--set pionts.decimation=2', "did you mean 'points.decimation'?"),
        ('--set points.decimation=0', 'points.decimation is 0: it must be within 1 and 64'),
        ('--set points.decimation=two', "points.decimation is 'two': it must be of type int"),
        ('--set min_depth_m=90', 'the minimum must be below the maximum'),
        ('--set points={', 'no valid YAML'),
    ],
)
def test_a_wrong_option_is_one_sentence_and_no_output(
    options: str, sentence: str, bag: Path, tmp_path: Path, replay: Replay, capsys
) -> None:
    assert replay(bag, tmp_path / 'out', *options.split()) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('lsd_ros replay: ')
    assert sentence in line
    assert not list(tmp_path.iterdir())


def test_damaged_weights_are_one_sentence(
    bag: Path, weights: Path, tmp_path: Path, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / 'damaged.safetensors'
    data = bytearray(weights.read_bytes())
    data[-1000] ^= 1
    damaged.write_bytes(data)
    assert replay(bag, tmp_path / 'out', '--weights', damaged) == 1
    assert 'damaged.safetensors are damaged' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_only_an_older_bag_is_replaced_and_only_when_told(
    bag: Path, tmp_path: Path, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    old = shutil.copytree(bag, tmp_path / 'out')
    before = contents(old)
    assert replay(bag, old) == 1
    assert 'exists already: add --overwrite' in capsys.readouterr().err
    assert contents(old) == before
    assert replay(bag, old, '--overwrite') == 0
    assert contents(old) != before
    home = tmp_path / 'home'
    home.mkdir()
    assert replay(bag, home, '--overwrite') == 1
    assert 'home is no bag and is not overwritten' in capsys.readouterr().err
    assert home.is_dir()


def test_wheels_in_the_bag_make_metres_and_nothing_is_written_before(
    bag: Path, drive: SyntheticDrive, tmp_path: Path, replay: Replay, capsys
) -> None:
    told = tmp_path / 'told'
    with BagReader(bag) as seen, BagWriter(told) as writer:
        for record in seen.messages(['/camera/image_raw', '/camera/camera_info']):
            writer.add(record.topic, record.message, record.stamp_ns)
        for stamp, pose in zip(drive.stamps_ns, drive.trajectory.world_from_camera, strict=True):
            base = pose @ np.linalg.inv(base_from_optical(MountSettings()))
            zeros = np.zeros(6), np.zeros((6, 6))
            for topic, frame in (('/wheel/odom', 'base_link'), ('/arm/odom', 'arm')):
                message = encode.odometry(
                    writer.types, int(stamp), 'odom', frame, base, np.eye(6), *zeros
                )
                writer.add(topic, message, int(stamp))
    wheels = ('--set', 'scale.source=odometry')
    assert replay(told, tmp_path / 'out', *wheels) == 1
    assert 'say which with --odometry' in capsys.readouterr().err
    assert replay(told, tmp_path / 'out', *wheels, '--odometry', '/arm/odom') == 1
    assert "odometry of 'arm' cannot be used where base_frame is 'base_link'" in (
        capsys.readouterr().err
    )
    # untrained networks see no motion that any wheels would agree with
    assert replay(told, tmp_path / 'out', *wheels, '--odometry', 'wheel/odom') == 1
    assert 'nothing came out of told: ' in (sentence := capsys.readouterr().err)
    assert 'vision and odometry_in' in sentence or 'has not settled' in sentence
    assert not (tmp_path / 'out').exists()


def test_a_known_height_makes_metres_or_says_that_no_ground_is_seen(
    bag: Path, tmp_path: Path, replay: Replay, capsys
) -> None:
    height = ('--set', 'scale.source=camera_height', '--set', 'scale.camera_height_m=0.8')
    assert replay(bag, tmp_path / 'out', *height) == 1
    assert 'no ground is seen: ' in capsys.readouterr().err


def test_a_video_has_a_frame_for_every_depth_and_shows_the_scan(
    bag: Path, tmp_path: Path, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / 'film.mp4'
    options = ['--set', 'scale.source=fixed', '--set', 'mount.z_m=1.0', '--video', str(film)]
    assert replay(bag, tmp_path / 'out', *options) == 0
    assert f'\nvideo       {film}\n' in capsys.readouterr().out
    with BagReader(tmp_path / 'out') as out:
        wanted = next(topic.count for topic in out.topics() if topic.name == '/scan')
    video = cv2.VideoCapture(str(film))
    frames = [video.read()[1] for _ in range(int(video.get(cv2.CAP_PROP_FRAME_COUNT)))]
    assert len(frames) == wanted
    above = frames[-1][:, -360:].astype(int)
    assert ((above[..., 2] - above[..., 1]) > 60).any(), 'no obstacle is drawn in red'
    assert replay(bag, tmp_path / 'again', *options[:-1], str(tmp_path / 'film.docx')) == 1
    assert 'choose a path that ends with .mp4' in capsys.readouterr().err
    assert not list(tmp_path.glob('*film*.docx'))
