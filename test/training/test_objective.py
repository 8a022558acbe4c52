from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lsd_ros.errors import FrameError, SettingError
from lsd_ros.geometry.camera import intrinsics_of, pixel_grid
from lsd_ros.geometry.depth import DisparityRange, disparity_from_depth
from lsd_ros.geometry.pose import compose, invert, pose_from_vector
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.training.frame_triplet import TripletViews, poses_from_vectors
from lsd_ros.training.objective import ObjectiveSettings, Outcome, photometric_objective
from lsd_ros.types import Camera

DEPTHS = DisparityRange(0.5, 50.0)
HEIGHT, WIDTH, FOCAL = 64, 96, 80.0
PLAIN = ObjectiveSettings(
    bidirectional=False,
    occlusion=False,
    motion=False,
    structure=0.0,
    feature=0.0,
    smoothness=0.0,
)
# target_from_before and target_from_after of the textured world: translation, rotation vector
MOTIONS = ((-0.4, 0.02, -0.1, 0.0, -0.02, 0.0), (0.4, 0.02, 0.12, 0.0, 0.02, 0.01))


def changed(how: ObjectiveSettings, **values: object) -> ObjectiveSettings:
    return dataclasses.replace(how, **values)


def texture(points: Tensor) -> Tensor:
    x, y = points[:, 0:1], points[:, 1:2]
    waves = [torch.sin(k * x + p * y + c) for k, p, c in ((3, 1, 0), (1, 4, 1), (2, -3, 2))]
    return 0.5 + 0.25 * torch.cat(waves, 1) + 0.15 * torch.sin(1.5 * (x + y))


def render(target_from_camera: Tensor, panel: float | None, panel_shift: float) -> list[Tensor]:
    """
    See a slanted wall, and a panel before it, both exact, shape (1, C, H, W).

    The wall is z = 8 + x / 4 and the panel is |x - shift| < 1, |y| < 1, z = panel, in the target.
    """
    exact = torch.zeros(1, dtype=torch.float64)
    pixels = pixel_grid(HEIGHT, WIDTH, exact)
    centre = torch.tensor((WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)).double()[None, :, None, None]
    rays = torch.cat(((pixels - centre) / FOCAL, torch.ones_like(pixels[:, :1])), 1)
    turned = torch.einsum('bij,bjhw->bihw', target_from_camera[:, :3, :3], rays)
    origin = target_from_camera[:, :3, 3, None, None]
    normal = torch.tensor((-0.25, 0.0, 1.0)).double()[None, :, None, None]
    depth = (8 - (normal * origin).sum(1, True)) / (normal * turned).sum(1, True)
    image = texture(origin + depth * turned)
    if panel is not None:
        near = (panel - origin[:, 2:]) / turned[:, 2:]
        hit = origin + near * turned
        on = ((hit[:, 0:1] - panel_shift).abs() < 1) & (hit[:, 1:2].abs() < 1)
        image = torch.where(on, texture(2 * hit + 5).flip(1), image)
        depth = torch.where(on, near, depth)
    return [image, depth]


def pyramid(depth: Tensor) -> tuple[Tensor, ...]:
    disparity = disparity_from_depth(depth, DEPTHS)
    small = torch.nn.functional.interpolate
    levels = [
        small(disparity, scale_factor=1 / (1 << j), mode='bilinear', antialias=True)
        for j in (1, 2)
    ]
    return (disparity, *levels)


def world(panel: float | None = None, speed: float = 0.0, flat: bool = False) -> TripletViews:
    """
    Return exact views of one triplet.

    :param panel: depth of the panel; None: there is none
    :param speed: how far the panel moves along x from frame to frame
    :param flat: give depth of the wall also where the panel is
    """
    poses = pose_from_vector(torch.tensor(MOTIONS).double())
    to_target = (poses[:1], torch.eye(4).double()[None], poses[1:])
    frames = [
        render(pose, panel, speed * k) for k, pose in zip((-1, 0, 1), to_target, strict=True)
    ]
    seen = [render(pose, None, 0.0) for pose in to_target] if flat else frames
    return TripletViews(
        images=torch.cat([image for image, _ in frames]),
        intrinsics=torch.tensor(
            [[FOCAL, 0, WIDTH / 2 - 0.5], [0, FOCAL, HEIGHT / 2 - 0.5], [0, 0, 1]]
        ).double()[None],
        disparities=pyramid(torch.cat([depth for _, depth in seen])),
        source_from_target=invert(poses)[None],
        features=None,
    )


def turned(views: TripletViews, *vector: float) -> TripletViews:
    """Perturb both motions."""
    wrong = pose_from_vector(torch.tensor([vector, vector]).double())
    return dataclasses.replace(
        views, source_from_target=compose(wrong, views.source_from_target[0])[None]
    )


def deeper(views: TripletViews, factor: float) -> TripletViews:
    depth = 1 / (1 / DEPTHS.max_depth + (2 - 1 / DEPTHS.max_depth) * views.disparities[0])
    return dataclasses.replace(views, disparities=pyramid(depth * factor))


def photometric(views: TripletViews, how: ObjectiveSettings = PLAIN) -> float:
    return float(photometric_objective(views, DEPTHS, how).parts['photometric'])


WEIGHED = changed(PLAIN, bidirectional=True, occlusion=True, motion=True, structure=1.0)


@pytest.mark.parametrize('how', [PLAIN, changed(PLAIN, bidirectional=True), WEIGHED])
def test_truth_has_no_loss_and_anything_else_has_more(how):
    truth = world()
    right = photometric_objective(truth, DEPTHS, how)
    assert float(right.total) < 2e-3
    for wrong in (
        deeper(truth, 1.2),
        deeper(truth, 0.8),
        turned(truth, 0.1, 0, 0, 0, 0, 0),
        turned(truth, 0, 0, 0, 0, 0.02, 0),
        turned(truth, 0, 0, 0, 0, 0, 0.05),
    ):
        outcome = photometric_objective(wrong, DEPTHS, how)
        assert float(outcome.total) > 20 * float(right.total)
        assert float(outcome.parts['photometric']) > 20 * float(right.parts['photometric'])


@pytest.mark.parametrize('kind', ['room', 'street'])
def test_rendered_drives_have_their_least_loss_at_the_truth(kind):
    camera = Camera(width=128, height=64, fx=75.0, fy=75.0, cx=63.5, cy=31.5)
    samples = list(SyntheticDrive(kind, 1, camera, 3, rate_hz=5.0, start_s=4.0))
    depth = np.stack([np.clip(s.depth, 0.51, 49)[None] for s in samples])
    poses = [s.world_from_camera for s in samples]
    motions = np.stack([np.linalg.inv(poses[k]) @ poses[1] for k in (0, 2)])[None]
    images = np.stack([s.frame.image.transpose(2, 0, 1) for s in samples])
    truth = TripletViews(
        images=torch.from_numpy(images).double() / 255,
        intrinsics=intrinsics_of([camera], dtype=torch.float64),
        disparities=pyramid(torch.from_numpy(depth).double()),
        source_from_target=torch.from_numpy(motions),
    )
    how = changed(WEIGHED, scales=1)
    right = float(photometric_objective(truth, DEPTHS, how).total)
    for wrong in (
        deeper(truth, 1.3),
        deeper(truth, 0.75),
        turned(truth, 0, 0, 0, 0, 0.02, 0),
        turned(truth, 0.08, 0, 0, 0, 0, 0),
    ):
        assert float(photometric_objective(wrong, DEPTHS, how).total) > 1.2 * right


def test_hidden_pixels_weigh_little():
    views = world(panel=4.0)
    outcome = photometric_objective(views, DEPTHS, WEIGHED)
    # the camera before stands to the left: it does not see the wall to the right of the panel
    columns = torch.arange(WIDTH)[None, None, None]
    edge = WIDTH / 2 + FOCAL / 4
    hidden = ((columns > edge + 1) & (columns < edge + 4)).expand(1, 1, HEIGHT, WIDTH).clone()
    hidden[:, :, : HEIGHT // 2 - 12] = False
    hidden[:, :, HEIGHT // 2 + 12 :] = False
    left = hidden.flip(3)
    occlusion, motion = outcome.maps['occlusion'], outcome.maps['motion']
    worst = min(float(occlusion[hidden].mean()), float(occlusion[left].mean()))
    assert worst < 0.75
    far = (columns > edge + 12).expand(1, 1, HEIGHT, WIDTH) & (outcome.maps['weight'] > 0)
    assert float(occlusion[far].mean()) > 0.98
    assert float(motion[far].mean()) > 0.95
    assert min(float(motion[hidden].mean()), float(motion[left].mean())) < 0.8
    assert photometric(views, WEIGHED) < photometric(views, changed(WEIGHED, occlusion=False))


def test_pixels_that_moved_weigh_little():
    # in the frame before, the moving panel is further left: its right side then falls on the wall
    right_side = (..., slice(24, 40), slice(56, 66))
    still, moving = (
        photometric_objective(world(panel=4.0, speed=speed), DEPTHS, WEIGHED).maps
        for speed in (0.0, 0.8)
    )
    for name, low in (('occlusion', 0.75), ('motion', 0.8)):
        assert float(moving[name][right_side].mean()) < low
        assert float(still[name][right_side].mean()) > 0.95


def test_weights_are_what_they_are_made_of():
    maps = photometric_objective(world(panel=4.0), DEPTHS, WEIGHED).maps
    product = maps['occlusion'] * maps['motion']
    inside = maps['weight'] > 0
    torch.testing.assert_close(maps['weight'][inside], product[inside])
    assert not inside.all(), 'some pixels leave the image'


def test_minimum_takes_the_better_neighbour_of_each_pixel():
    views = world(panel=4.0)
    both = photometric(views, PLAIN)
    better = photometric(views, changed(PLAIN, selection='minimum'))
    assert better < 0.5 * both, 'what one neighbour does not see, the other does'


@pytest.mark.parametrize('selection', ['all', 'minimum'])
def test_auto_mask_leaves_out_what_looks_better_without_motion(selection):
    how = changed(PLAIN, auto_mask=True, selection=selection)
    views = world()
    still = dataclasses.replace(views, images=views.images[1:2].repeat(3, 1, 1, 1))
    assert float(photometric_objective(still, DEPTHS, how).total) == 0, 'the camera stands still'
    assert photometric_objective(views, DEPTHS, how).maps['weight'].mean() > 0.5


def test_neighbours_are_rebuilt_too_where_both_directions_are_on():
    views = world()
    spoilt = views.disparities[0].clone()
    spoilt[0] *= 0.5
    wrong = dataclasses.replace(views, disparities=pyramid_of(spoilt))
    target_alone = photometric(wrong, PLAIN)
    assert target_alone == pytest.approx(photometric(views, PLAIN), rel=0.01)
    assert photometric(wrong, changed(PLAIN, bidirectional=True)) > 5 * target_alone


def pyramid_of(disparity: Tensor) -> tuple[Tensor, ...]:
    return pyramid(1 / (1 / DEPTHS.max_depth + (2 - 1 / DEPTHS.max_depth) * disparity))


def featured(views: TripletViews, stage: int = 1) -> TripletViews:
    """Add features that are the textures of the world, at their own resolution."""
    small = torch.nn.functional.avg_pool2d(views.images, 2 << stage)
    return dataclasses.replace(views, features=torch.cat((small, 1 - small), 1))


@pytest.mark.parametrize('stage', [0, 1])
def test_features_agree_at_the_truth_and_disagree_elsewhere(stage):
    how = changed(PLAIN, feature=1.0, feature_stage=stage)
    truth = featured(world(), stage)

    def feature(views: TripletViews) -> float:
        return float(photometric_objective(views, DEPTHS, how).parts['feature'])

    assert feature(truth) < 0.02
    assert feature(deeper(truth, 2.0)) > 2 * feature(truth)
    assert feature(turned(truth, 0, 0, 0, 0, 0.04, 0)) > 4 * feature(truth)


@pytest.mark.parametrize('part', ['structure', 'feature', 'smoothness'])
def test_terms_add_up_and_can_be_left_out(part):
    views = deeper(featured(world(panel=4.0)), 1.2)
    how = changed(WEIGHED, structure=0.5, feature=0.3, smoothness=0.2)
    whole = photometric_objective(views, DEPTHS, how)
    less = photometric_objective(views, DEPTHS, changed(how, **{part: 0.0}))
    double = photometric_objective(views, DEPTHS, changed(how, **{part: 2 * getattr(how, part)}))
    assert set(whole.parts) == {'photometric', 'structure', 'feature', 'smoothness'}
    assert set(less.parts) == set(whole.parts) - {part}
    assert float(whole.parts[part]) > 0
    torch.testing.assert_close(whole.total, torch.stack(list(whole.parts.values())).sum())
    torch.testing.assert_close(whole.total - less.total, whole.parts[part])
    torch.testing.assert_close(double.total - whole.total, whole.parts[part])


@pytest.mark.parametrize('switch', ['occlusion', 'motion'])
def test_weights_can_be_switched_off(switch):
    views = world(panel=4.0)
    off = photometric_objective(views, DEPTHS, changed(WEIGHED, **{switch: False}))
    assert switch not in off.maps
    assert float(off.total) != pytest.approx(
        float(photometric_objective(views, DEPTHS, WEIGHED).total), rel=1e-6
    )


def test_triplets_are_averaged_so_that_processes_can_share_a_batch():
    a, b = featured(world()), featured(deeper(world(panel=4.0), 1.3))
    fields = {}
    for field in ('images', 'features'):
        pairs = zip(getattr(a, field), getattr(b, field), strict=True)
        fields[field] = torch.stack([x for pair in pairs for x in pair])
    fields['disparities'] = tuple(
        torch.stack((x, y), 1).flatten(0, 1)
        for x, y in zip(a.disparities, b.disparities, strict=True)
    )
    for field in ('intrinsics', 'source_from_target'):
        fields[field] = torch.cat((getattr(a, field), getattr(b, field)))
    how = ObjectiveSettings(selection='minimum', auto_mask=True)
    whole = photometric_objective(TripletViews(**fields), DEPTHS, how)
    parts = [photometric_objective(views, DEPTHS, how) for views in (a, b)]
    torch.testing.assert_close(whole.total, (parts[0].total + parts[1].total) / 2)


def small_views(*inputs: Tensor) -> TripletViews:
    """Return random views of 8 x 12 pixels out of what gradients are asked for."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 8, 12, generator=generator, dtype=torch.float64)
    features = torch.rand(3, 4, 2, 3, generator=generator, dtype=torch.float64)
    intrinsics = torch.tensor([[10.0, 0, 5.5], [0, 10, 3.5], [0, 0, 1]]).double()[None]
    return TripletViews(images, intrinsics, inputs[:3], poses_from_vectors(inputs[3]), features)


def small_inputs() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    disparities = [
        0.2 + 0.2 * torch.rand(3, 1, 8 >> j, 12 >> j, generator=generator, dtype=torch.float64)
        for j in range(3)
    ]
    motions = 0.1 * torch.randn(1, 2, 6, generator=generator, dtype=torch.float64)
    return [x.requires_grad_() for x in (*disparities, motions)]


CONSTANT_WEIGHTS = ObjectiveSettings(occlusion=False, motion=False, smoothness=0.1)


@pytest.mark.parametrize(
    'how',
    [
        changed(PLAIN, bidirectional=True),
        changed(CONSTANT_WEIGHTS, feature=0.0),
        changed(CONSTANT_WEIGHTS, structure=0.0, feature=2.0),
        changed(CONSTANT_WEIGHTS, selection='minimum', auto_mask=True),
    ],
)
def test_gradients_are_those_of_finite_differences(how):
    def loss(*inputs: Tensor) -> Tensor:
        return photometric_objective(small_views(*inputs), DEPTHS, how).total

    assert torch.autograd.gradcheck(loss, small_inputs(), fast_mode=True, eps=1e-7, atol=1e-5)


def test_weights_scale_the_gradient_and_have_none():
    """Where all pixels weigh the same, weighing changes neither loss nor gradient."""
    inputs = small_inputs()
    gradients = []
    for how in (WEIGHED, changed(WEIGHED, occlusion=False, motion=False)):
        one = changed(how, scales=1, structure=0.0, bidirectional=False)
        flat = [torch.full_like(x, 0.3) for x in inputs[:3]] + [torch.zeros_like(inputs[3])]
        leaves = [x.requires_grad_() for x in flat]
        total = photometric_objective(small_views(*leaves), DEPTHS, one).total
        gradients.append(torch.autograd.grad(total, (leaves[0], leaves[3])))
    for weighed, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(weighed, plain)
        assert weighed.abs().sum() > 0


def test_every_disparity_and_both_motions_learn():
    inputs = small_inputs()
    photometric_objective(small_views(*inputs), DEPTHS).total.backward()
    assert all(x.grad.abs().sum() > 0 for x in inputs)
    assert (inputs[3].grad.abs().sum((0, 2)) > 0).all()


def test_maps_of_mixed_precision_are_compared_in_full_precision():
    halves = [x.detach().bfloat16().requires_grad_() for x in small_inputs()]
    exact = small_views(*[x.float() for x in small_inputs()])
    views = dataclasses.replace(
        exact,
        images=exact.images.float(),
        intrinsics=exact.intrinsics.float(),
        disparities=tuple(halves[:3]),
        source_from_target=poses_from_vectors(halves[3]),
        features=exact.features.bfloat16(),
    )
    total = photometric_objective(views, DEPTHS).total
    total.backward()
    assert total.dtype == torch.float32
    assert all(x.grad.abs().sum() > 0 for x in halves)
    expected = photometric_objective(small_views(*small_inputs()), DEPTHS).total
    assert float(total.detach()) == pytest.approx(float(expected.detach()), rel=0.05)


def test_features_get_no_gradient():
    views = small_views(*small_inputs())
    features = views.features.clone().requires_grad_()
    views = dataclasses.replace(views, features=features)
    photometric_objective(views, DEPTHS).total.backward()
    assert features.grad is None


def test_the_target_alone_is_enough_for_the_plain_objective():
    views = world()
    alone = dataclasses.replace(views, disparities=tuple(d.chunk(3)[1] for d in views.disparities))
    assert not PLAIN.needs_neighbours
    assert photometric(alone) == pytest.approx(photometric(views), rel=1e-9)
    for switch in ({'bidirectional': True}, {'occlusion': True}, {'motion': True}):
        with pytest.raises(FrameError, match='disparity of the target alone is not enough'):
            photometric_objective(alone, DEPTHS, changed(PLAIN, **switch))


def test_pictures_show_the_target_from_the_frame_before():
    views = world()
    outcome: Outcome = photometric_objective(views, DEPTHS, WEIGHED)
    inside = (outcome.maps['weight'] > 0).expand(-1, 3, -1, -1)
    difference = (outcome.maps['warped'] - views.images[1:2]).abs()[inside]
    assert float(difference.mean()) < 0.01
    assert not any(picture.requires_grad for picture in outcome.maps.values())


def test_points_behind_a_camera_do_no_harm():
    views = turned(world(), 0, 0, -20, 0, 0, 0)
    leaf = views.disparities[0].clone().requires_grad_()
    wrong = dataclasses.replace(views, disparities=(leaf, *views.disparities[1:]))
    outcome = photometric_objective(wrong, DEPTHS, WEIGHED)
    outcome.total.backward()
    assert math.isfinite(float(outcome.total.detach()))
    assert torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize(
    ('field', 'value', 'sentence'),
    [
        ('images', torch.zeros(2, 3, 64, 96), 'images of 2 frames must be 3 times the 1 cameras'),
        ('disparities', (torch.zeros(3, 1, 32, 96),), r'disparity 0 of shape \(3, 1, 32, 96\)'),
    ],
)
def test_views_that_do_not_fit_are_refused(field, value, sentence):
    with pytest.raises(FrameError, match=sentence):
        dataclasses.replace(world(), **{field: value})


def test_missing_features_and_wrong_settings_are_refused():
    with pytest.raises(FrameError, match='the feature term needs features'):
        photometric_objective(world(), DEPTHS, changed(PLAIN, feature=1.0))
    with pytest.raises(FrameError, match='do not fit feature_stage 0'):
        photometric_objective(
            featured(world(), 1), DEPTHS, changed(PLAIN, feature=1.0, feature_stage=0)
        )
    two = dataclasses.replace(world(), disparities=world().disparities[:2])
    with pytest.raises(FrameError, match='2 disparities are too few for this objective: give 3'):
        photometric_objective(two, DEPTHS, PLAIN)
    with pytest.raises(SettingError, match="selection is 'best': choose one of 'all', 'minimum'"):
        ObjectiveSettings(selection='best')
