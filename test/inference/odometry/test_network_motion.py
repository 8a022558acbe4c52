from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.inference.odometry.network_motion import PLACES, LastImages


@given(count=st.integers(1, 4), length=st.integers(1, 40))
def test_the_last_images_are_those_that_stacking_gives(count: int, length: int) -> None:
    images = [np.full((2, 3, 3), number, np.uint8) for number in range(length)]
    last = LastImages(count)
    for number, image in enumerate(images, 1):
        last.add(image)
        if number >= count:
            stacked = last.stacked
            np.testing.assert_array_equal(stacked, np.stack(images[number - count : number]))
            assert stacked.flags.c_contiguous


def test_images_of_another_size_begin_anew_and_nothing_of_the_caller_is_kept() -> None:
    last = LastImages(3)
    for number in range(3 * PLACES + 1):
        last.add(np.full((2, 3, 3), number, np.uint8))
    other = [np.full((4, 3, 3), number, np.uint8) for number in range(3)]
    for image in other:
        last.add(image)
        image[:] = 99
    assert last.stacked[:, 0, 0, 0].tolist() == [0, 1, 2]
