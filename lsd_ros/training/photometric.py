"""
How different two images look at each pixel: structural similarity and absolute difference.

The error runs four times per pair and scale, so that its derivative is written by hand: it needs a
third of the passes over memory that automatic differentiation would take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lsd_ros.geometry.shapes import check_shapes

SSIM_SHARE = 0.85
C1, C2 = 0.01**2, 0.03**2  # for colours in 0 .. 1 (Wang et al. 2004)


@dataclass(frozen=True)
class Reference:
    """
    An image that others are compared with, and what SSIM needs to know of it.

    :param image: shape (B, C, H, W)
    :param mean: over 3 x 3 pixels, shape (B, C, H, W)
    :param variance: over 3 x 3 pixels, shape (B, C, H, W)
    """

    image: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, image: Tensor) -> Reference:
        """
        Measure an image once for all comparisons with it.

        :param image: colours in 0 .. 1, shape (B, C, H, W), H and W at least 2
        :raises FrameError: the shape or type is another one
        """
        check_shapes(image=(image, 'B C H W'))
        mean = box_mean(image)
        return cls(image, mean, box_mean(image * image).addcmul_(mean, mean, value=-1))

    def stacked(self, frames: tuple[int, ...], count: int) -> Reference:
        """
        Put some of the frames that are stacked along the batch into another order.

        :param frames: which, by their place in the stack
        :param count: how many frames are stacked
        """
        return Reference(
            *(stacked(x, frames, count) for x in (self.image, self.mean, self.variance))
        )


def photometric_error(image: Tensor, reference: Reference, ssim: float = SSIM_SHARE) -> Tensor:
    """
    Compare an image with a reference: ssim * (1 - SSIM) / 2 + (1 - ssim) * |difference|.

    SSIM is taken over 3 x 3 pixels, the image reflected at its border, as in Monodepth2.

    :param image: colours in 0 .. 1, shape (B, C, H, W); gradients flow to it alone
    :param reference: of the same shape
    :param ssim: share of the structural part, 0 .. 1
    :return: mean over the channels, shape (B, 1, H, W)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(image=(image, 'B C H W'), reference=(reference.image, 'B C H W'))
    error: Tensor = _PhotometricError.apply(  # type: ignore[no-untyped-call]
        image, reference.image, reference.mean, reference.variance, ssim
    )
    return error


def stacked(x: Tensor, frames: tuple[int, ...], count: int) -> Tensor:
    """
    Gather frames of a tensor that has them stacked along the batch.

    :param x: shape (count * B, ...)
    :param frames: which frames, in the new order
    :param count: how many frames are stacked
    :return: shape (len(frames) * B, ...)
    """
    parts = x.chunk(count)
    return torch.cat([parts[frame] for frame in frames])


class _PhotometricError(torch.autograd.Function):
    """The error with its derivative towards the image; x is the image, y the reference."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, y: Tensor, mean: Tensor, variance: Tensor, ssim: float
    ) -> Any:
        mean_x = box_mean(x)
        # SSIM = (luminance / bright) * (structure / busy)
        product = mean_x * mean
        luminance = product.mul(2).add_(C1)
        structure = box_mean(x * y).sub_(product).mul_(2).add_(C2)
        squared = mean_x * mean_x
        busy = box_mean(x * x).sub_(squared).add_(variance).add_(C2)
        bright = squared.addcmul_(mean, mean).add_(C1)
        both = bright * busy
        by_product = luminance / both
        similarity = structure * by_product
        difference = x - y
        error = difference.abs().mul_(1 - ssim).sub_(similarity, alpha=ssim / 2)
        error = error.mean(1, keepdim=True).add_(ssim / 2)
        if ctx.needs_input_grad[0]:
            # derivatives of SSIM towards the local means of x, x^2 and x y, over 2
            by_square = similarity / busy
            by_mean = structure.sub_(luminance).mul_(mean).div_(both)
            by_mean.add_(by_square * mean_x).sub_(similarity.mul_(mean_x).div_(bright))
            ctx.save_for_backward(x, y, difference.sign_(), by_mean, by_square, by_product)
            ctx.ssim = ssim
        return error

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, y, sign, by_mean, by_square, by_product = ctx.saved_tensors
        gradient = gradients[0] / x.shape[1]
        structural = -ctx.ssim * gradient
        result = box_mean_adjoint(by_mean * structural)
        result.addcmul_(x, box_mean_adjoint(by_square * structural), value=-1)
        result.addcmul_(y, box_mean_adjoint(by_product * structural))
        result.addcmul_(sign, gradient, value=1 - ctx.ssim)
        return result, None, None, None, None


def box_mean(x: Tensor) -> Tensor:
    """
    Average over 3 x 3 pixels of the map reflected at its border, without a gradient.

    :param x: shape (B, C, H, W), H and W at least 2
    :return: shape (B, C, H, W)
    """
    return _sum_of_three(_sum_of_three(x, 2), 3).mul_(1 / 9)


def box_mean_adjoint(x: Tensor) -> Tensor:
    """
    Apply the transpose of :func:`box_mean`: every mean gives its pixels back what they gave.

    :param x: shape (B, C, H, W), H and W at least 2
    :return: shape (B, C, H, W)
    """
    return _sum_of_three_adjoint(_sum_of_three_adjoint(x, 2), 3).mul_(1 / 9)


def _sum_of_three(x: Tensor, dim: int) -> Tensor:
    out, last = _sum_inside(x, dim)
    torch.add(x.select(dim, 0), x.select(dim, 1), alpha=2, out=out.select(dim, 0))
    torch.add(x.select(dim, last), x.select(dim, last - 1), alpha=2, out=out.select(dim, last))
    return out


def _sum_of_three_adjoint(x: Tensor, dim: int) -> Tensor:
    out, last = _sum_inside(x, dim)
    torch.add(x.select(dim, 0), x.select(dim, 1), out=out.select(dim, 0))
    torch.add(x.select(dim, last), x.select(dim, last - 1), out=out.select(dim, last))
    out.select(dim, 1).add_(x.select(dim, 0))
    out.select(dim, last - 1).add_(x.select(dim, last))
    return out


def _sum_inside(x: Tensor, dim: int) -> tuple[Tensor, int]:
    """Add up neighbours wherever there are two; return the last index along the axis with it."""
    last = x.shape[dim] - 1
    out = torch.empty_like(x)
    inside = out.narrow(dim, 1, last - 1)
    torch.add(x.narrow(dim, 0, last - 1), x.narrow(dim, 1, last - 1), out=inside)
    inside.add_(x.narrow(dim, 2, last - 1))
    return out, last
