"""The size that a network sees."""

from __future__ import annotations

import pytest

from lsd_ros.geometry.resize import size_in_aspect


@pytest.mark.parametrize(
    ('width', 'height', 'expected'),
    [
        (1242, 375, (416, 128)),
        (640, 480, (256, 192)),
        (1, 65500, (32, 2048)),
        (4000, 1, (1856, 32)),
    ],
)
def test_no_aspect_asks_for_more_pixels_than_the_network_has(width, height, expected):
    assert size_in_aspect(416 * 128, width, height, 32) == expected
