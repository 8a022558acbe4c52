from __future__ import annotations

import torch

from lsd_ros.datasets.snippets import SnippetBatch
from lsd_ros.training.mixing import NARROWEST, mixed

BATCH, HEIGHT, WIDTH = 3, 4, 40


def _batch() -> SnippetBatch:
    """Return images and depths of one number for each snippet: 1, 2 and 3."""
    number = torch.arange(1.0, BATCH + 1)[:, None, None, None]
    images = number[:, None].expand(BATCH, 3, 3, HEIGHT, WIDTH).to(torch.uint8)
    return SnippetBatch(
        images=images,
        jittered=images + 10,
        intrinsics=torch.eye(3).expand(BATCH, 3, 3),
        translations=torch.zeros(BATCH, 2),
        known_motions=torch.zeros(BATCH, 2, 4, 4),
        true_depth=number.expand(BATCH, 1, HEIGHT, WIDTH),
        names=('a', 'b', 'c'),
        stamps_ns=(0, 1, 2),
    )


def test_the_right_of_each_image_is_that_of_the_one_before_with_its_depth() -> None:
    edges = set()
    for seed in range(20):
        torch.manual_seed(seed)
        result = mixed(_batch(), torch.ones(BATCH))
        for number in range(BATCH):
            own, other = number + 1, (number - 1) % BATCH + 1
            row = result.images[number, 1, 0, 0]
            edge = int((row == own).sum())
            assert row.tolist() == [own] * edge + [other] * (WIDTH - edge)
            assert torch.equal(result.jittered[number] - 10, result.images[number])
            depth = result.true_depth[number, 0]
            assert torch.equal(depth, row.float().expand(HEIGHT, WIDTH))
            edges.add(edge)
    assert len(edges) > 5
    assert min(edges) >= NARROWEST * WIDTH - 1
    assert max(edges) <= (1 - NARROWEST) * WIDTH + 1


def test_depth_keeps_its_place_in_the_network_whatever_lens_the_image_has() -> None:
    units = torch.tensor((0.1, 0.2, 0.4))
    result = mixed(_batch(), units)
    before = _batch().true_depth * units[:, None, None, None]
    after = result.true_depth * units[:, None, None, None]
    torch.testing.assert_close(after[:, 0, 0, 0], before[:, 0, 0, 0])
    torch.testing.assert_close(after[:, 0, 0, -1], before.roll(1, 0)[:, 0, 0, -1])


def test_depth_that_is_not_known_or_the_sky_stays_so() -> None:
    batch = _batch()
    depth = batch.true_depth.clone()
    depth[0], depth[1] = torch.nan, torch.inf
    batch = SnippetBatch(**{**vars(batch), 'true_depth': depth})
    result = mixed(batch, torch.ones(BATCH)).true_depth[:, 0, 0]
    assert result[0, 0].isnan()
    assert result[1, 0].isinf()
    assert result[1, -1].isnan()
    assert result[2, -1].isinf()
