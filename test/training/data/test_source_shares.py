from collections import Counter

import pytest

from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.training.data.source_shares import SourceShare, repeated

NAMES = ('kitti_00', 'kitti_02', 'room1')
SEQUENCE_OF = [0] * 10 + [1] * 20 + [2] * 60


def shares(*texts):
    return [SourceShare.parse(text) for text in texts]


def test_each_source_is_drawn_as_often_as_its_share_says_and_no_sample_is_left_out():
    drawn = repeated(NAMES, SEQUENCE_OF, shares('kitti_* 0.75', '* 0.25'))
    of_kitti = sum(index < 30 for index in drawn)
    assert of_kitti / len(drawn) == pytest.approx(0.75, abs=0.01)
    often = Counter(drawn)
    assert set(often) == set(range(90))
    assert max(often[i] for i in range(30)) - min(often[i] for i in range(30)) <= 1


def test_equal_shares_of_equal_sources_repeat_nothing():
    assert repeated(('a', 'b'), [0, 0, 1, 1], shares('a 2', 'b 2')) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        (('kitti_* 1',), 'says nothing of room1: add a pattern'),
        (('kitti_* 1', '* 1', 'x* 1'), "has 'x.', and no sample is of such a sequence"),
    ],
)
def test_what_does_not_fit_the_sequences_is_refused(given, sentence):
    with pytest.raises(DatasetError, match=sentence):
        repeated(NAMES, SEQUENCE_OF, shares(*given))


@pytest.mark.parametrize(
    'text', ['', 'kitti', 'kitti_* much', '0.5', 'a 0', 'a -1', 'a nan', 'a inf']
)
def test_a_share_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(SettingError, match=r"write 'PATTERN SHARE', such as"):
        SourceShare.parse(text)
