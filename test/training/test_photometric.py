import pytest
import torch
from torch.nn import functional

from lsd_ros.errors import FrameError
from lsd_ros.training.photometric import (
    Reference,
    box_mean,
    box_mean_adjoint,
    photometric_error,
)


def plain_error(x: torch.Tensor, y: torch.Tensor, ssim: float) -> torch.Tensor:
    """Return the error as the textbook writes it."""

    def local(z):
        return functional.avg_pool2d(functional.pad(z, (1, 1, 1, 1), mode='reflect'), 3, 1)

    mx, my = local(x), local(y)
    vx, vy = local(x**2) - mx**2, local(y**2) - my**2
    covariance = local(x * y) - mx * my
    similarity = (2 * mx * my + 1e-4) * (2 * covariance + 9e-4)
    similarity = similarity / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    error = ssim * (1 - similarity) / 2 + (1 - ssim) * (x - y).abs()
    return error.mean(1, keepdim=True)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize('shape', [(2, 3, 6, 7), (1, 1, 2, 2), (1, 3, 2, 9)])
@pytest.mark.parametrize('ssim', [0.85, 0.0, 1.0])
def test_error_and_gradient_are_those_of_the_textbook(shape, ssim):
    x = torch.rand(shape, dtype=torch.float64, requires_grad=True)
    y, weight = torch.rand(2, *shape, dtype=torch.float64)
    weight = weight[:, :1]
    error, expected = photometric_error(x, Reference.of(y), ssim), plain_error(x, y, ssim)
    torch.testing.assert_close(error, expected)
    (gradient,) = torch.autograd.grad((error * weight).sum(), x)
    (wanted,) = torch.autograd.grad((expected * weight).sum(), x)
    torch.testing.assert_close(gradient, wanted)


def test_gradient_is_that_of_finite_differences():
    x = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    reference = Reference.of(torch.rand(1, 3, 4, 5, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda image: photometric_error(image, reference), x)


def test_the_same_image_has_no_error_and_a_worse_one_has_more():
    y = torch.rand(1, 3, 16, 16)
    reference = Reference.of(y)
    errors = [
        float(photometric_error(y + s * torch.randn_like(y), reference).mean())
        for s in (0.0, 0.02, 0.1, 0.3)
    ]
    assert errors[0] < 1e-6
    assert errors == sorted(errors)


def test_opposite_structure_is_as_wrong_as_can_be():
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 1.0
    y = board.expand(1, 3, 8, 8)
    error = photometric_error(1 - y, Reference.of(y))
    assert float(error.min()) > 0.85
    assert float(error.max()) <= 1 + 1e-6


def test_memory_format_changes_nothing():
    x, y = torch.rand(2, 2, 3, 16, 24)
    last = torch.channels_last
    error = photometric_error(x, Reference.of(y))
    other = photometric_error(x.to(memory_format=last), Reference.of(y.to(memory_format=last)))
    torch.testing.assert_close(error, other)


def test_box_and_its_adjoint_are_each_others_transpose():
    a, b = torch.rand(2, 1, 2, 5, 4, dtype=torch.float64)
    torch.testing.assert_close((box_mean(a) * b).sum(), (a * box_mean_adjoint(b)).sum())


def test_frames_are_gathered_in_the_order_that_is_asked_for():
    images = torch.rand(6, 3, 4, 4)
    gathered = Reference.of(images).stacked((2, 0), 3)
    for name in ('image', 'mean', 'variance'):
        x = getattr(Reference.of(images), name)
        assert torch.equal(getattr(gathered, name), torch.cat((x[4:], x[:2])))


def test_images_of_two_sizes_are_refused():
    with pytest.raises(FrameError, match=r'reference of shape \(1, 3, 4, 8\) must be'):
        photometric_error(torch.rand(1, 3, 4, 4), Reference.of(torch.rand(1, 3, 4, 8)))
