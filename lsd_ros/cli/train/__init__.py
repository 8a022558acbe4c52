"""``lsd_ros train``: learn from sequences, in two phases."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import (
    a_path,
    add_data_options,
    add_limit_options,
    add_settings_options,
    at_least,
    list_settings_when_asked,
)

SUMMARY = 'learn from sequences, in two phases'
EXAMPLES = """\
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

PHASE = """\
A wrong name of a setting is answered with the right one. RUN/config.yaml says all that were used.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
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
            epilog=PHASE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_phase_options(added, phase)


def _add_phase_options(parser: argparse.ArgumentParser, phase: str) -> None:
    add = parser.add_argument
    add('-v', '--verbose', action='count', default=argparse.SUPPRESS, help='-vv: say everything')
    add_data_options(parser)
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
        help='sequences that are measured meanwhile and never learned from; all figures but '
        'photometric need their true depth; the best checkpoint is kept, as RUN/best',
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
