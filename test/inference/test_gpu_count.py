"""How many kernels the networks ask of a card: whoever adds a pass has to say so here."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / 'experiments' / 'gpu'))

from count import CARDS, Kernel, counted, seconds, shipped_networks


@pytest.fixture(scope='module')
def networks():
    return shipped_networks(416, 128)


def total(kernels, field):
    return sum(getattr(each, field) for each in kernels)


# docs/measurements.md has these figures, and what they come to on a card
@pytest.mark.parametrize(
    ('name', 'kernels', 'megabytes', 'gigaflop'),
    [
        ('depth', 382, 106.0, 0.75),
        ('depth, kernels alone', 32, 13.5, 3.74),
        ('pose', 30, 19.1, 0.37),
    ],
)
def test_no_pass_has_been_added(networks, name, kernels, megabytes, gigaflop):
    found = networks[name]
    assert len(found) == kernels
    assert total(found, 'bytes') / 1e6 == pytest.approx(megabytes, abs=0.05)
    assert total(found, 'operations') / 1e9 == pytest.approx(gigaflop, abs=0.005)


def test_kernels_bytes_and_operations_are_those_of_a_network_counted_by_hand():
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Conv2d(3, 8, 3, padding=1)
            self.alone = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)

        def forward(self, image):
            x = self.dense(image.permute(0, 3, 1, 2).to(torch.float16))
            return self.alone(x)[:, :1] + 1

    found = counted(ByHand(), (1, 4, 6, 3))
    pixels, half = 24, 2
    maps = 8 * pixels * half
    assert found == [
        Kernel('_to_copy', 3 * pixels + 3 * pixels * half),
        Kernel('convolution', (3 * pixels + 8 * 27) * half + maps, 2 * 8 * 27 * pixels, True),
        Kernel('bias', 2 * maps + 8 * half),
        Kernel('convolution', 2 * maps + 8 * 9 * half, 2 * 8 * 9 * pixels, False),
        Kernel('add', 2 * pixels * half),
    ]


def test_the_estimate_is_the_roofline_and_the_starts():
    card = CARDS[0]
    kernels = [
        Kernel('copy', int(card.bandwidth)),
        Kernel('convolution', 1, int(2 * card.dense), dense=True),
        Kernel('convolution', 1, int(3 * card.plain)),
    ]
    work, starts = seconds(kernels, card)
    assert work == pytest.approx(6)
    assert starts == pytest.approx(3 * card.start_s)
