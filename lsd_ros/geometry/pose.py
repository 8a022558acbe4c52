"""
Rigid motions as 4 x 4 matrices named ``b_from_a``, and the vectors that stand for them.

Products are written out as sums: neither automatic mixed precision nor TF32 touches those, while
either would round a matrix product to about three digits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.geometry.shapes import check_shapes

SMALL = 1e-4  # squared angle below which the fourth-order series is exact to float64


def rotation_from_axis_angle(axis_angle: Tensor) -> Tensor:
    """
    Turn rotation vectors into matrices (Rodrigues); the gradient at zero is finite and right.

    :param axis_angle: axis times angle [rad], shape (B, 3)
    :return: rotation, shape (B, 3, 3)
    :raises FrameError: the shape or type is another one
    """
    check_shapes(axis_angle=(axis_angle, 'B 3'))
    square = (axis_angle * axis_angle).sum(1)[:, None, None]
    skew = _skew(axis_angle)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    outer = axis_angle[:, :, None] * axis_angle[:, None, :]
    first, second = _sinc(square), 0.5 * _sinc(square / 4) ** 2
    return identity + first * skew + second * (outer - square * identity)


def axis_angle_from_rotation(rotation: Tensor) -> Tensor:
    """
    Turn rotation matrices into vectors of an angle within [0, pi]; finite gradient at identity.

    It goes through the quaternion, whose largest component is picked first, so that it is well
    conditioned at every angle (Shepperd, 1978). At pi the sign of the axis is arbitrary.

    :param rotation: shape (B, 3, 3)
    :return: axis times angle [rad], shape (B, 3)
    :raises FrameError: the shape or type is another one
    """
    check_shapes(rotation=(rotation, 'B 3 3'))
    products = _quaternion_products(rotation)
    largest = products.diagonal(dim1=1, dim2=2).argmax(1)
    row = products[torch.arange(len(rotation), device=rotation.device), largest]
    quaternion = row / (2 * row.gather(1, largest[:, None]).sqrt())
    quaternion = torch.where(quaternion[:, :1] < 0, -quaternion, quaternion)
    cosine, vector = quaternion[:, :1], quaternion[:, 1:]
    square = (vector * vector).sum(1, keepdim=True)
    small = square < SMALL
    sine = torch.where(small, torch.ones_like(square), square).sqrt()
    ratio = square / torch.where(small, cosine * cosine, torch.ones_like(cosine))
    series = (2 - ratio * (2 / 3 - ratio * (2 / 5))) / torch.where(small, cosine, 1.0)
    return vector * torch.where(small, series, 2 * torch.atan2(sine, cosine) / sine)


def pose_from_vector(vector: Tensor) -> Tensor:
    """
    Turn what a pose network says into motions.

    :param vector: translation [m, or the network's unit], then axis times angle [rad], the order
        of the covariances of nav_msgs/Odometry, shape (B, 6)
    :return: ``b_from_a``: rotate, then translate, shape (B, 4, 4)
    :raises FrameError: the shape or type is another one
    """
    check_shapes(vector=(vector, 'B 6'))
    rotation = rotation_from_axis_angle(vector[:, 3:])
    return pose_from_parts(rotation, vector[:, :3])


def vector_from_pose(b_from_a: Tensor) -> Tensor:
    """
    Undo :func:`pose_from_vector`.

    :param b_from_a: shape (B, 4, 4)
    :return: translation, then axis times angle [rad], shape (B, 6)
    :raises FrameError: the shape or type is another one
    """
    check_shapes(b_from_a=(b_from_a, 'B 4 4'))
    return torch.cat((b_from_a[:, :3, 3], axis_angle_from_rotation(b_from_a[:, :3, :3])), 1)


def pose_from_parts(rotation: Tensor, translation: Tensor) -> Tensor:
    """
    Put a rotation and a translation into one matrix.

    :param rotation: shape (B, 3, 3)
    :param translation: [m], shape (B, 3)
    :return: ``b_from_a``, shape (B, 4, 4)
    :raises FrameError: the shapes or types are others
    """
    check_shapes(rotation=(rotation, 'B 3 3'), translation=(translation, 'B 3'))
    upper = torch.cat((rotation, translation[:, :, None]), 2)
    last = torch.tensor((0.0, 0.0, 0.0, 1.0), dtype=rotation.dtype, device=rotation.device)
    return torch.cat((upper, last.expand(len(rotation), 1, 4)), 1)


def invert(b_from_a: Tensor) -> Tensor:
    """
    Turn a motion around.

    :param b_from_a: shape (B, 4, 4)
    :return: ``a_from_b``, shape (B, 4, 4)
    :raises FrameError: the shape or type is another one
    """
    check_shapes(b_from_a=(b_from_a, 'B 4 4'))
    rotation = b_from_a[:, :3, :3].transpose(1, 2)
    return pose_from_parts(rotation, -(rotation * b_from_a[:, None, :3, 3]).sum(2))


def compose(c_from_b: Tensor, b_from_a: Tensor) -> Tensor:
    """
    Chain two motions.

    :param c_from_b: the later one, shape (B, 4, 4)
    :param b_from_a: the earlier one, shape (B, 4, 4)
    :return: ``c_from_a``, shape (B, 4, 4)
    :raises FrameError: the shapes or types are others
    """
    check_shapes(c_from_b=(c_from_b, 'B 4 4'), b_from_a=(b_from_a, 'B 4 4'))
    return (c_from_b[:, :, :, None] * b_from_a[:, None]).sum(2)


def transform(b_from_a: Tensor, points: Tensor) -> Tensor:
    """
    Take points to another frame.

    :param b_from_a: shape (B, 4, 4)
    :param points: in frame a [m], shape (B, 3, H, W)
    :return: the points in frame b [m], shape (B, 3, H, W)
    :raises FrameError: the shapes or types are others
    """
    check_shapes(b_from_a=(b_from_a, 'B 4 4'), points=(points, 'B 3 H W'))
    x_axis, y_axis, z_axis, origin = b_from_a[:, :3, :, None, None].unbind(2)
    x, y, z = points[:, 0:1], points[:, 1:2], points[:, 2:3]
    return x_axis * x + y_axis * y + z_axis * z + origin


def _sinc(square: Tensor) -> Tensor:
    """Return sin(a) / a of a squared angle, smooth at zero."""
    small = square < SMALL
    angle = torch.where(small, torch.ones_like(square), square).sqrt()
    series = 1 - square / 6 * (1 - square / 20)
    return torch.where(small, series, torch.sin(angle) / angle)


def _skew(vector: Tensor) -> Tensor:
    x, y, z = vector.unbind(1)
    zero = torch.zeros_like(x)
    return torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), 1).reshape(-1, 3, 3)


def _quaternion_products(rotation: Tensor) -> Tensor:
    """Return 4 q q^T of the quaternions q = (w, x, y, z), shape (B, 4, 4)."""
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = (
        row.unbind(1) for row in rotation.unbind(1)
    )
    wx, wy, wz = r21 - r12, r02 - r20, r10 - r01
    xy, xz, yz = r01 + r10, r02 + r20, r12 + r21
    rows = (
        (1 + r00 + r11 + r22, wx, wy, wz),
        (wx, 1 + r00 - r11 - r22, xy, xz),
        (wy, xy, 1 - r00 + r11 - r22, yz),
        (wz, xz, yz, 1 - r00 - r11 + r22),
    )
    return torch.stack([torch.stack(row, 1) for row in rows], 1)
