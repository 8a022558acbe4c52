"""Everything that makes the node blind: what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from lsd_ros.errors import (
    BackendError,
    CameraError,
    CameraMismatchError,
    DeviceMemoryError,
    LsdError,
    MessageError,
    MissingCameraInfoError,
    NotFiniteError,
    PreparingError,
)


class Fault(Enum):
    """A reason to report no obstacles; its value is its name in diagnostics."""

    what: str
    remedy: str

    def __new__(cls, name: str, what: str, remedy: str) -> Fault:
        """Make a member of its name, what it means and what to do."""
        fault = object.__new__(cls)
        fault._value_ = name
        fault.what, fault.remedy = what, remedy
        return fault

    NO_IMAGE = (
        'no_image',
        'no image came',
        'publish images there or remap the topic, and see that image_transport fits',
    )
    UNREADABLE = (
        'unreadable',
        'the image cannot be decoded',
        'let the camera publish an encoding that the node knows',
    )
    FROZEN = (
        'frozen',
        'the image is the same again and again',
        'restart the camera driver; where the image may stand still, as in a simulator, set '
        'safety.frozen_frames to 0',
    )
    DARK = (
        'dark',
        'the image is dark',
        'uncover the lens, light the scene or expose longer; safety.dark_level is the limit',
    )
    SATURATED = (
        'saturated',
        'the image is saturated',
        'expose shorter or shade the lens; safety.saturated_share is the limit',
    )
    BLURRED = (
        'blurred',
        'the image is blurred',
        'clean and focus the lens; safety.min_sharpness is the limit',
    )
    STAMP_BACKWARDS = (
        'stamp_backwards',
        'the stamps of the images went backwards',
        'let one camera alone publish there, stamped with the time of exposure',
    )
    STAMP_REPEATED = (
        'stamp_repeated',
        'two images have the same stamp',
        'let the camera driver stamp every image with its time of exposure',
    )
    STAMP_JUMP = (
        'stamp_jump',
        'the stamps of the images jumped ahead',
        "look for a clock that was set, on the camera's computer; safety.max_jump_s is the limit",
    )
    STAMP_OLD = (
        'stamp_old',
        'the image is too old',
        'synchronise the clocks, look for a congested network, or play bags with --clock and set '
        'use_sim_time; safety.max_age_s is the limit, 0 switches this off',
    )
    STAMP_FUTURE = (
        'stamp_future',
        'the image is from the future',
        'synchronise the clocks, or play bags with --clock and set use_sim_time; '
        'safety.max_age_s is the limit, 0 switches this off',
    )
    NO_CAMERA_INFO = (
        'no_camera_info',
        'there is no camera info',
        'publish the calibration of the camera or remap camera_info',
    )
    CAMERA_MISMATCH = (
        'camera_mismatch',
        'camera info and image do not belong together',
        'give the calibration of this camera at this image size',
    )
    UNCALIBRATED = (
        'uncalibrated',
        'the camera info cannot be used',
        'calibrate the camera',
    )
    NOT_FINITE = (
        'not_finite',
        'the network gave values that are not finite',
        "use other weights, or set precision to 'full'",
    )
    DEGENERATE = (
        'degenerate',
        'the network gave a depth that says nothing',
        'use trained weights; if they are, see min_depth_m, max_depth_m and the scale',
    )
    PREPARING = (
        'preparing',
        'the networks are being built for images of another size',
        'wait until they are ready, and keep the size of the images',
    )
    OUT_OF_MEMORY = (
        'out_of_memory',
        'the memory of the device is full',
        "end other programs on it, or set device to 'auto' or 'cpu'",
    )
    BACKEND_FAILED = (
        'backend_failed',
        'the network cannot run',
        'see backend and device',
    )
    INTERNAL = (
        'internal',
        'a bug',
        'report it, with the traceback in the log',
    )
    REFUSED = (
        'refused',
        'the image was refused',
        'see the sentence',
    )
    SCALE_UNKNOWN = (
        'scale_unknown',
        'depth is relative, not metric',
        'choose a scale.source that knows metres, or wait until it has settled',
    )
    MOUNT_IMPLAUSIBLE = (
        'mount_implausible',
        'the camera cannot sit where they say',
        'an optical frame looks along z with x right and y down (REP-103); where the frame of the '
        'images is a body frame, publish a transform from it to an optical frame with roll -90, '
        'pitch 0, yaw -90 deg (quaternion x -0.5, y 0.5, z -0.5, w 0.5) and let the images carry '
        'that name; else correct the transform, mount.* or the scale. safety.max_pitch_deg, '
        'max_ground_tilt_deg, max_height_ratio and body_frame_names are the limits',
    )
    DUPLICATE_NODE = (
        'duplicate_node',
        'another node of the same name publishes the same topics',
        'end one of the two, or give it another name or namespace; safety.allow_duplicates lets '
        'both speak',
    )
    TOO_SLOW = (
        'too_slow',
        'results come too late',
        'use a smaller network, a faster backend or more threads; safety.max_latency_s is the '
        'limit',
    )

    def found(self, detail: str | None = None) -> Finding:
        """
        Make a finding of this fault.

        :param detail: what was seen, with its values; None: what the fault says of itself
        """
        return Finding(self, f'{detail or self.what}: {self.remedy}')


@dataclass(frozen=True)
class Finding:
    """
    A fault that was seen.

    :param sentence: what was seen, with its values, and the remedy
    """

    fault: Fault
    sentence: str


class UnfitError(LsdError):
    """A frame must not be worked on any further."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Keep what was found."""
        super().__init__('; '.join(finding.sentence for finding in findings))
        self.findings = tuple(findings)


_FAULT_OF = (  # the first that fits
    (MissingCameraInfoError, Fault.NO_CAMERA_INFO),
    (CameraMismatchError, Fault.CAMERA_MISMATCH),
    (CameraError, Fault.UNCALIBRATED),
    (MessageError, Fault.UNREADABLE),
    (NotFiniteError, Fault.NOT_FINITE),
    (PreparingError, Fault.PREPARING),
    (DeviceMemoryError, Fault.OUT_OF_MEMORY),
    (BackendError, Fault.BACKEND_FAILED),
    (LsdError, Fault.REFUSED),
)


def findings_of(error: Exception) -> tuple[Finding, ...]:
    """Return the faults behind an error that ended the work on a frame."""
    if isinstance(error, UnfitError):
        return error.findings
    for kind, fault in _FAULT_OF:
        if isinstance(error, kind):
            return (Finding(fault, str(error)),)
    return (Fault.INTERNAL.found(f'{type(error).__name__}: {error}'),)
