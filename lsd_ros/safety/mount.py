"""Can the camera sit where they say it does: its frame, where it looks, and the ground it sees."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Estimate, Mount, SeenGround

REMEMBERED = 10  # looks at the ground
CONTRADICTING = 8  # of them, in a row or nearly so, make the mount implausible
AGREEING = 4  # looks that confirm a mount, and end a fault that the ground told
SAME_M, SAME_COSINE = 0.05, math.cos(math.radians(3.0))  # a mount that has not moved
SAME_FACTOR = 1.25
BODY_LIKE = 0.9  # x so level and z so upright: that is a body frame


class MountCheck:
    """
    Judges the mount whenever it is known, and goes on to compare the ground with it.

    The place and the name of the frame are judged at once. The ground needs several looks that
    agree. Once it has confirmed a mount, a plane of another height, such as a table, no longer
    speaks against it, until the mount or the scale changes.
    """

    def __init__(self) -> None:
        """Know no mount yet."""
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._mount: Mount | None = None
        self._factor = math.nan
        self._looks: deque[str] = deque(maxlen=REMEMBERED)
        self._agreed = 0
        self._confirmed = False
        self._found = ''

    @property
    def is_confirmed(self) -> bool:
        """Return whether the ground has confirmed this mount."""
        return self._confirmed

    def findings(
        self, mount: Mount | None, estimate: Estimate, settings: SafetySettings
    ) -> tuple[Finding, ...]:
        """
        Take the next estimate and say what is wrong with the mount.

        :param mount: None: nobody says it, and nothing is made of it
        """
        if mount is None:
            self.forget()
            return ()
        if wrong := place_findings(mount, settings):
            return wrong
        self._follow(mount, estimate.ground)
        if estimate.ground is not None:
            self._note(estimate.ground, settings)
        return (Fault.MOUNT_IMPLAUSIBLE.found(self._found),) if self._found else ()

    def _follow(self, mount: Mount, ground: SeenGround | None) -> None:
        """Start anew where the mount or the scale is another one."""
        moved = self._mount is None or not _same(self._mount, mount)
        ratio = 1.0 if ground is None or math.isnan(self._factor) else ground.factor / self._factor
        if not moved and 1 / SAME_FACTOR < ratio < SAME_FACTOR:
            return
        self.forget()
        self._mount = mount
        self._factor = math.nan if ground is None else ground.factor

    def _note(self, ground: SeenGround, settings: SafetySettings) -> None:
        if math.isnan(self._factor):
            self._factor = ground.factor
        wrong = self._contradiction(ground, settings)
        self._looks.append(wrong)
        self._agreed = 0 if wrong else self._agreed + 1
        if self._agreed >= AGREEING:
            self._confirmed, self._found = True, ''
            self._looks.clear()
        elif wrong and sum(map(bool, self._looks)) >= CONTRADICTING:
            self._found = wrong

    def _contradiction(self, ground: SeenGround, settings: SafetySettings) -> str:
        """Return what a look at the ground says against the mount; empty: nothing."""
        tilt_deg = math.degrees(ground.tilt_rad)
        ratio = _ratio(ground)
        apart = max(ratio, 1 / max(ratio, 1e-9))  # NaN where depth is not metric
        limit = settings.max_ground_tilt_deg
        if limit and tilt_deg > limit:
            sideways = ground.side != 'below'
            if sideways and (self._confirmed or not apart <= settings.max_height_ratio):
                return ''  # a wall beside the camera looks like that, too
            return (
                f'the ground lies {ground.side} of the middle of the image, tilted by '
                f'{tilt_deg:.0f} deg against where the mount says it must be'
            )
        if settings.max_height_ratio and not self._confirmed and apart > settings.max_height_ratio:
            return (
                f'the camera sees the ground {ground.height_m:.2f} m below it and sits '
                f'{abs(ground.expected_height_m):.2f} m '
                f'{"above" if ground.expected_height_m > 0 else "below"} it by the mount, '
                'where the ground is at z = 0 of the base frame'
            )
        return ''


def _ratio(ground: SeenGround) -> float:
    """Return the height that is seen over that of the mount; a mount at 0 says none."""
    expected_m = ground.expected_height_m
    if expected_m < -SAME_M:
        return math.inf  # below the ground that is seen below it
    return ground.height_m / expected_m if expected_m > 0 else 1.0


def place_findings(mount: Mount, settings: SafetySettings) -> tuple[Finding, ...]:
    """Say what is wrong with where a camera is said to sit, whatever it sees."""
    seen = _of_place(mount, settings) or _of_name(mount, settings)
    return (Fault.MOUNT_IMPLAUSIBLE.found(seen),) if seen else ()


def _of_place(mount: Mount, settings: SafetySettings) -> str:
    """Return what is wrong with where the camera looks; empty: nothing."""
    steep_deg = math.degrees(math.asin(float(np.clip(mount.base_from_camera[2, 2], -1, 1))))
    if abs(steep_deg) <= settings.max_pitch_deg:
        return ''
    by = 'the transforms' if mount.by_transforms else 'mount.*'
    seen = (
        f'the camera looks {abs(steep_deg):.0f} deg {"up" if steep_deg > 0 else "down"} by {by} '
        f'from {mount.base_frame} to {mount.frame_id}'
    )
    rotation = mount.base_from_camera[:3, :3]
    if rotation[2, 2] > BODY_LIKE and abs(rotation[2, 0]) < 1 - BODY_LIKE:
        seen += ', which is how a body frame lies, not an optical one'
    return seen


def _of_name(mount: Mount, settings: SafetySettings) -> str:
    """Return what is wrong with the name of a frame that no transform vouches for."""
    name = mount.frame_id.lower()
    if settings.body_frame_names or mount.by_transforms:
        return ''
    if 'link' not in name or 'optical' in name:
        return ''
    return (
        f'the images are of the frame {mount.frame_id}, which is called like a body frame, and no '
        'transform says that it is an optical one'
    )


def _same(one: Mount, other: Mount) -> bool:
    first, second = one.base_from_camera, other.base_from_camera
    turned = (float(np.trace(first[:3, :3].T @ second[:3, :3])) - 1) / 2
    apart_m = float(np.linalg.norm(first[:3, 3] - second[:3, 3]))
    return apart_m < SAME_M and turned > SAME_COSINE
