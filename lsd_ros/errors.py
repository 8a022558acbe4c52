"""Every error raised on purpose: one sentence with the offending value and the remedy."""

from lsd_ros.foreign.printable import printable


class LsdError(Exception):
    """The root: whoever catches this catches all known errors of the package."""

    def __str__(self) -> str:
        """Return the sentence, safe for a terminal whatever it quotes."""
        return printable(super().__str__())


class SettingError(LsdError, ValueError):
    """A setting is unknown, of the wrong type, out of its range, or contradicts another one."""


class CameraError(LsdError, ValueError):
    """A camera is uncalibrated, impossible, or does not fit the image that it came with."""


class MissingCameraInfoError(CameraError):
    """Nobody has said yet which camera the images are of."""


class CameraMismatchError(CameraError):
    """A camera is of another size or frame than the image."""


class MessageError(LsdError, ValueError):
    """A message cannot be decoded: unknown encoding, wrong size, truncated or damaged data."""


class FrameError(LsdError, ValueError):
    """An image, estimate, pose or trajectory has the wrong shape, type or values."""


class NotFiniteError(FrameError):
    """A network gave values that are not finite."""


class WeightsError(LsdError):
    """A weights file is missing, damaged, truncated, foreign, or of another model."""


class BackendError(LsdError):
    """An inference backend is not installed, has no such device, or failed."""


class PreparingError(BackendError):
    """The networks are still being built; the next image may find them ready."""


class DeviceMemoryError(BackendError):
    """The memory of the device is full."""


class DatasetError(LsdError):
    """A bag, video, image folder or sequence cannot be read or written."""


class TrainingError(LsdError):
    """A training run cannot start, go on or be written, or its numbers are not finite."""


class RosError(LsdError):
    """The ROS side (middleware, node, launch) is not there or failed."""
