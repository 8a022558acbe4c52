"""The options of the verbs around training."""

from __future__ import annotations

import argparse

from lsd_ros.cli.options import (
    WIDEST,
    a_path,
    add_engine_options,
    add_limit_options,
    add_settings_options,
    at_least,
    list_settings_when_asked,
    positive,
)

TRAIN = """\
examples:
  lsd_ros train teacher --config config/teacher.yaml --data sequences --out teacher
  lsd_ros train student --data sequences --out student --validate held_out
  lsd_ros train student --data sequences --out student --teacher teacher
  lsd_ros train student --data sequences --out student --config config/student.yaml
  torchrun --nproc-per-node 2 -m lsd_ros.cli.main train teacher --data sequences --out teacher

The same call again goes on where the training was stopped. The student ends with
OUT/weights.safetensors, for the node, replay and evaluate. A teacher starts from ImageNet with
--set network.teacher.encoder=efficientnet_lite0 --set encoder_weights=imagenet.
"""

TRAIN_PHASE = """\
A wrong name of a setting is answered with the right one. RUN/config.yaml says all that were used.
"""

EVALUATE = """\
examples:
  lsd_ros evaluate --weights student/weights.safetensors --data held_out
  lsd_ros evaluate --weights teacher --data held_out
  lsd_ros evaluate --data rooms --obstacles --pictures pictures --set scan.max_range_m=5
  lsd_ros evaluate --weights student/weights.safetensors --data rooms --write-calibration
  lsd_ros evaluate --data kitti_raw --split eigen_test.txt --json errors.json --pictures pictures

--weights may also be the folder of a teacher's training. Depth is median scaled in each image, as
usual for one camera, and once more as it is. A network is worth something below its own mean map
and below one depth per image row, which do not look at the image: both are fitted on the very
sequence. Where the weights know how far their depth may be off, the share of errors within it is
counted; calibrate on other data than those that you judge on.
"""

EXPORT = """\
examples:
  lsd_ros export --weights student/weights.safetensors --out depth.onnx
  lsd_ros export --network pose --out pose.onnx
  lsd_ros export --out depth.onnx --width 640 --height 192

The model takes RGB bytes of this size, shape (1, height, width, 3), three frames for the pose
network, and gives disparity, or the two motions. Where the weights know it, the relative standard
deviation of depth is a second channel beside disparity. What both mean is in the model's metadata.
"""


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros train``."""
    phases = parser.add_subparsers(dest='phase', metavar='PHASE', required=True)
    for phase, summary in (
        ('teacher', 'phase 1: the large network with its bridges'),
        ('student', 'phase 2: the small network, with or without a teacher'),
    ):
        added = phases.add_parser(
            phase,
            help=summary,
            description=summary[0].upper() + summary[1:] + '.',
            epilog=TRAIN_PHASE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_phase_options(added, phase)


def _add_phase_options(parser: argparse.ArgumentParser, phase: str) -> None:
    add = parser.add_argument
    add('-v', '--verbose', action='count', default=argparse.SUPPRESS, help='-vv: say everything')
    _add_data_options(parser)
    add('--out', type=a_path, required=True, metavar='RUN', help='folder of the training')
    if phase == 'student':
        add(
            '--teacher',
            type=a_path,
            metavar='RUN',
            help='training of the teacher; default: none',
        )
    add(
        '--validate',
        type=a_path,
        nargs='+',
        default=[],
        metavar='DIR',
        help='sequences with true depth that are measured meanwhile and never learned from; '
        'the best checkpoint is kept, as RUN/best',
    )
    add('--max-steps', type=at_least(1), metavar='N', help='loop.max_steps')
    add('--overwrite', action='store_true', help='remove another training that is in RUN')
    add_settings_options(parser)
    add_limit_options(parser)
    list_settings_when_asked(parser, lambda: _phase_settings(phase))


def _phase_settings(phase: str) -> type:
    from lsd_ros.training import phase_settings

    if phase == 'teacher':
        return phase_settings.TeacherSettings
    return phase_settings.StudentSettings


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros evaluate``."""
    add = parser.add_argument
    _add_data_options(parser)
    add('--json', type=a_path, metavar='FILE', help='also write everything as JSON')
    add('--pictures', type=a_path, metavar='DIR', help='also write pictures of some images')
    add(
        '--obstacles',
        action='store_true',
        help='also compare the scans that the node would make of estimated and true depth, and '
        'the edges of both; --set mount.z_m=... says where the camera sits, else the ground is '
        'looked for in the true depth',
    )
    add(
        '--crop',
        choices=('auto', 'garg', 'none'),
        default='auto',
        help='which pixels count; auto: those of Garg et al. in images wider than two to one',
    )
    add(
        '--max-depth',
        type=positive,
        default=80.0,
        metavar='M',
        help='true depth beyond this does not count (default: %(default)s)',
    )
    add(
        '--frame-step',
        type=at_least(1),
        default=1,
        metavar='N',
        help='odometry takes one of N images (default: %(default)s)',
    )
    add(
        '--teacher',
        type=a_path,
        metavar='RUN',
        help="compare with the depth of this teacher's training instead of the true one",
    )
    add(
        '--write-calibration',
        action='store_true',
        help='write into the weights file what these data say of its errors: the factor that '
        'makes one standard deviation of depth cover 68 %% of them, and, where there are poses, '
        'the noise of motion that the covariance of the odometry is made of',
    )
    add_engine_options(parser, 'weights', 'device', 'backend')


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros export``."""
    add = parser.add_argument
    add('--weights', metavar='FILE', default='', help='default: those that come with the package')
    add('--format', choices=('onnx',), default='onnx', help='default: %(default)s')
    add('--out', type=a_path, required=True, metavar='FILE', help='model to write')
    add('--network', choices=('depth', 'pose'), default='depth', help='default: %(default)s')
    add(
        '--width', type=at_least(32, WIDEST), metavar='W', help='of the input; default: as trained'
    )
    add(
        '--height',
        type=at_least(32, WIDEST),
        metavar='H',
        help='of the input; default: as trained',
    )
    add('--overwrite', action='store_true', help='replace FILE where there is one')


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--data',
        type=a_path,
        nargs='+',
        required=True,
        metavar='DIR',
        help='sequences, KITTI, TUM RGB-D, videos, or folders of these',
    )
    parser.add_argument(
        '--split',
        type=a_path,
        metavar='FILE',
        help='file list of an Eigen split, for KITTI raw',
    )
