"""A snippet, and several side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Snippet:
    """
    Three frames in the order of time, or one alone; the middle one is the target.

    Where a stereo pair is given, there are also snippets whose first and last frame are both the
    image of the other camera.

    :param images: as they are, shape (F, 3, H, W), uint8: frame, RGB, row, column; F is 3, or 1
        of single images
    :param jittered: the same with other colours, for the networks; losses compare ``images``
    :param intrinsics: K of all three, shape (3, 3), float32
    :param translations: how far the camera moved from the first frame to the middle one, and from
        there to the last, shape (2,), float32 [m]; NaN where there are no poses
    :param known_motions: first_from_middle and last_from_middle, shape (2, 4, 4), float32 [m]; NaN
        where they are to be estimated
    :param true_depth: of the target along the optical axis [m], +Inf for the sky, NaN where it is
        not known, shape (1, H, W), float32; (1, 0, 0) where nobody asks for it
    :param name: of the sequence
    :param stamp_ns: of the target
    """

    images: Tensor
    jittered: Tensor
    intrinsics: Tensor
    translations: Tensor
    known_motions: Tensor
    true_depth: Tensor
    name: str
    stamp_ns: int


@dataclass(frozen=True)
class SnippetBatch:
    """
    Snippets side by side.

    :param images: shape (B, F, 3, H, W), uint8; F is 3, or 1 of single images
    :param jittered: shape (B, F, 3, H, W), uint8
    :param intrinsics: shape (B, 3, 3), float32
    :param translations: shape (B, 2), float32
    :param known_motions: shape (B, 2, 4, 4), float32
    :param true_depth: shape (B, 1, H, W) or (B, 1, 0, 0), float32
    :param names: of the sequences
    :param stamps_ns: of the targets
    """

    images: Tensor
    jittered: Tensor
    intrinsics: Tensor
    translations: Tensor
    known_motions: Tensor
    true_depth: Tensor
    names: tuple[str, ...]
    stamps_ns: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of snippets."""
        return len(self.names)

    @property
    def jittered_targets(self) -> Tensor:
        """Return the frame in the middle as networks see it, shape (B, 1, 3, H, W)."""
        middle = self.jittered.shape[1] // 2
        return self.jittered[:, middle : middle + 1]

    def to(self, *args: Any, **kwargs: Any) -> SnippetBatch:
        """Return the batch on another device; the arguments are those of ``Tensor.to``."""
        return self._mapped(lambda tensor: tensor.to(*args, **kwargs))

    def pin_memory(self) -> SnippetBatch:
        """Return the batch in page-locked memory, from where it is copied to a GPU at once."""
        return self._mapped(Tensor.pin_memory)

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> SnippetBatch:
        return dataclasses.replace(
            self,
            images=change(self.images),
            jittered=change(self.jittered),
            intrinsics=change(self.intrinsics),
            translations=change(self.translations),
            known_motions=change(self.known_motions),
            true_depth=change(self.true_depth),
        )


def collate(snippets: Sequence[Snippet]) -> SnippetBatch:
    """Put snippets side by side."""
    return SnippetBatch(
        images=torch.stack([snippet.images for snippet in snippets]),
        jittered=torch.stack([snippet.jittered for snippet in snippets]),
        intrinsics=torch.stack([snippet.intrinsics for snippet in snippets]),
        translations=torch.stack([snippet.translations for snippet in snippets]),
        known_motions=torch.stack([snippet.known_motions for snippet in snippets]),
        true_depth=torch.stack([snippet.true_depth for snippet in snippets]),
        names=tuple(snippet.name for snippet in snippets),
        stamps_ns=tuple(snippet.stamp_ns for snippet in snippets),
    )
