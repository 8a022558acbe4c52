"""A plan as a scene of Blender, and how it is rendered."""

from __future__ import annotations

import glob
import math
import os
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from lsd_ros.rendering.clutter import scatter
from lsd_ros.rendering.floor_plan import Placed, RoomPlan
from lsd_ros.rendering.materials import Palette
from lsd_ros.rendering.room_shell import Light, build_shell, ceiling_lights
from lsd_ros.rendering.shader import hsv
from lsd_ros.rendering.solids import Part, Solid

DAYLIGHT_W_M2 = (0.0, 8.0, 30.0, 80.0, 150.0)
_NAMES = ('rgb', 'depth')


class Scene:
    """
    A room that can be rendered from anywhere.

    :param plan: of the room
    :param rng: draws materials, light and what lies on furniture
    :param size: width and height of the images
    :param focal_px: focal length of the camera
    :param samples: paths of light per pixel
    :param scratch: folder for files between Blender and us
    """

    def __init__(
        self,
        plan: RoomPlan,
        rng: Random,
        *,
        size: tuple[int, int],
        focal_px: float,
        samples: int,
        scratch: Path,
    ) -> None:
        """Build everything."""
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._palette = Palette(rng)
        self._scratch = scratch
        self._size = size
        daylight = rng.choice(DAYLIGHT_W_M2) * rng.uniform(0.5, 1.5)
        shell, lights = build_shell(plan, rng, daylight)
        lamps, more = ceiling_lights(plan, rng)
        shell.add(lamps)
        self._add('shell', shell)
        for placed in plan.placed:
            self._place(placed, rng)
        if daylight < 20 and not more:
            more = [Light(plan.width / 2, plan.depth / 2, plan.height - 0.4, (0.2, 0.2), 80.0)]
        for light in (*lights, *more):
            _shine(light, rng)
        _surroundings(rng, daylight)
        self._camera = _camera(size, focal_px)
        _cycles(size, samples, scratch)
        bpy.context.view_layer.update()
        self._graph = bpy.context.evaluated_depsgraph_get()

    def distances(
        self, origin: NDArray[np.float64], directions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how far each ray goes [units of its direction], shape (N,); inf: for ever."""
        start, found = Vector(origin), np.full(len(directions), np.inf)
        for index, direction in enumerate(directions):
            length = float(np.linalg.norm(direction))
            hit, where, *_ = bpy.context.scene.ray_cast(
                self._graph, start, Vector(direction / length)
            )
            if hit:
                found[index] = (where - start).length / length
        return found

    def render(
        self, world_from_camera: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Render an image.

        :param world_from_camera: x right, y down, z forward, shape (4, 4)
        :return: linear light, shape (H, W, 3), and depth along the optical axis [m], (H, W)
        """
        blender = world_from_camera @ np.diag([1, -1, -1, 1.0])  # it looks along -z, y is up
        self._camera.matrix_world = Matrix(blender.tolist())
        bpy.context.view_layer.update()
        bpy.ops.render.render()
        light, depth = (self._read(name) for name in _NAMES)
        return light[..., :3], depth[..., 0]

    def _place(self, placed: Placed, rng: Random) -> None:
        solid = Solid(list(placed.piece.solid.parts))
        for top in placed.piece.tops:
            if top.z < 1.6 and rng.random() < 0.85:
                scatter(solid, rng, top, rng.randint(1, 5 + int(10 * top.width)))
        moved = Solid()
        moved.add(solid, (placed.x, placed.y, 0), placed.yaw)
        self._add(placed.piece.name, moved, placed.piece.bevel)

    def _add(self, name: str, solid: Solid, bevel: float = 0.0) -> None:
        mesh = bpy.data.meshes.new(name)
        finishes = list(dict.fromkeys(part.finish for part in solid.parts))
        vertices, faces, indices, smooth = _gathered(solid.parts, finishes)
        mesh.from_pydata(vertices, [], faces)
        for finish in finishes:
            mesh.materials.append(self._palette[finish])
        mesh.polygons.foreach_set('material_index', indices)
        mesh.polygons.foreach_set('use_smooth', smooth)
        layer = mesh.uv_layers.new(name='UVMap')
        layer.data.foreach_set('uv', _texture(np.asarray(vertices), faces).ravel())
        mesh.update()
        thing = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(thing)
        if bevel:
            modifier = thing.modifiers.new('bevel', 'BEVEL')
            modifier.width, modifier.limit_method = bevel, 'ANGLE'
            modifier.segments = 2 if bevel > 0.01 else 1

    def _read(self, name: str) -> NDArray[np.float32]:
        path = str(self._scratch / f'{name}0001.exr')
        image = bpy.data.images.load(path, check_existing=False)
        image.colorspace_settings.name = 'Non-Color'
        width, height = self._size
        values = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(values)
        bpy.data.images.remove(image)
        return values.reshape(height, width, -1)[::-1].copy()


def _gathered(
    parts: list[Part], finishes: list[str]
) -> tuple[list[list[float]], list[tuple[int, ...]], list[int], list[bool]]:
    vertices: list[list[float]] = []
    faces: list[tuple[int, ...]] = []
    indices: list[int] = []
    smooth: list[bool] = []
    number = {finish: index for index, finish in enumerate(finishes)}
    for part in parts:
        first = len(vertices)
        vertices.extend(part.vertices.tolist())
        faces.extend(tuple(first + index for index in face) for face in part.faces)
        indices.extend([number[part.finish]] * len(part.faces))
        smooth.extend([part.smooth] * len(part.faces))
    return vertices, faces, indices, smooth


def _texture(vertices: NDArray[np.float64], faces: list[tuple[int, ...]]) -> NDArray[np.float32]:
    """Return texture coordinates [m] of every corner: each face seen along its main axis."""
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        by_size[len(face)].append(index)
    starts = np.cumsum([0, *(len(face) for face in faces)])
    found = np.zeros((starts[-1], 2), np.float32)
    for size, members in by_size.items():
        corners = vertices[np.array([faces[i] for i in members])]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        main = np.abs(normal).argmax(axis=1)
        first = np.where(main == 0, 1, 0)
        second = np.where(main == 2, 1, 2)
        rows = np.arange(len(members))[:, None]
        cols = np.arange(size)[None]
        at = starts[np.array(members)][:, None] + cols
        found[at, 0] = corners[rows, cols, first[:, None]]
        found[at, 1] = corners[rows, cols, second[:, None]]
    return found


def _shine(light: Light, rng: Random) -> None:
    lamp = bpy.data.lights.new('light', 'AREA')
    lamp.shape, lamp.energy = 'RECTANGLE', light.watts
    lamp.size, lamp.size_y = light.size
    warm = hsv(rng.uniform(0.07, 0.14), rng.uniform(0, 0.35), 1)
    sky = hsv(rng.uniform(0.55, 0.62), rng.uniform(0, 0.2), 1)
    lamp.color = (sky if light.tint == 'sky' else warm)[:3]
    thing = bpy.data.objects.new('light', lamp)
    bpy.context.scene.collection.objects.link(thing)
    thing.location = (light.x, light.y, light.z)
    if light.facing is not None:
        thing.rotation_euler = (math.pi / 2, 0, light.facing)
    thing.visible_camera = thing.visible_glossy = False


def _surroundings(rng: Random, daylight: float) -> None:
    """Put one of Blender's own panoramas behind the windows, and some of its light everywhere."""
    folder = os.path.dirname(bpy.__file__)
    panoramas = sorted(glob.glob(f'{folder}/*/datafiles/studiolights/world/*.exr'))
    outdoors = [
        p for p in panoramas if not p.endswith(('studio.exr', 'interior.exr', 'night.exr'))
    ]
    world = bpy.data.worlds.new('world')
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    background, path = tree.nodes['Background'], tree.nodes.new('ShaderNodeLightPath')
    mix = tree.nodes.new('ShaderNodeMix')
    mix.data_type = 'RGBA'
    ambient = 0.05 + 0.004 * daylight
    mix.inputs[6].default_value = (ambient, ambient, ambient * 1.05, 1)
    mix.inputs[7].default_value = hsv(0.58, 0.3, 0.02 + 0.06 * daylight)
    if outdoors:
        picture, scale = (
            tree.nodes.new('ShaderNodeTexEnvironment'),
            tree.nodes.new('ShaderNodeVectorMath'),
        )
        picture.image = bpy.data.images.load(rng.choice(outdoors), check_existing=True)
        scale.operation = 'SCALE'
        scale.inputs[3].default_value = max(0.2, daylight * rng.uniform(0.02, 0.1))
        turn = tree.nodes.new('ShaderNodeMapping')
        turn.inputs['Rotation'].default_value = (0, 0, rng.uniform(0, 2 * math.pi))
        where = tree.nodes.new('ShaderNodeTexCoord')
        tree.links.new(where.outputs['Generated'], turn.inputs[0])
        tree.links.new(turn.outputs[0], picture.inputs[0])
        tree.links.new(picture.outputs[0], scale.inputs[0])
        tree.links.new(scale.outputs[0], mix.inputs[7])
    tree.links.new(path.outputs['Is Camera Ray'], mix.inputs[0])
    tree.links.new(mix.outputs[2], background.inputs[0])
    world.cycles.sampling_method = 'NONE'


def _camera(size: tuple[int, int], focal_px: float) -> Any:
    """Make a camera whose optical axis goes through the middle of the image."""
    data = bpy.data.cameras.new('camera')
    data.sensor_fit, data.sensor_width = 'HORIZONTAL', 32.0
    data.lens = focal_px * data.sensor_width / size[0]
    data.clip_start, data.clip_end = 0.02, 300.0
    camera = bpy.data.objects.new('camera', data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def _cycles(size: tuple[int, int], samples: int, scratch: Path) -> None:
    """Few paths, denoised, one thread; light and depth go to files of 32 bits."""
    scene = bpy.context.scene
    scene.render.engine = 'CYCLES'
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.threads_mode, scene.render.threads = 'FIXED', 1
    scene.render.use_persistent_data = True
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = 'CPU', samples, False
    cycles.use_denoising, cycles.denoiser = True, 'OPENIMAGEDENOISE'
    cycles.denoising_prefilter = 'FAST'
    cycles.max_bounces, cycles.transparent_max_bounces = 4, 6
    cycles.diffuse_bounces = cycles.glossy_bounces = cycles.transmission_bounces = 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.blur_glossy = 3.0, 1.0
    cycles.use_fast_gi, cycles.fast_gi_method, cycles.ao_bounces_render = True, 'REPLACE', 2
    scene.view_layers[0].use_pass_z = True
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers = tree.nodes.new('CompositorNodeRLayers')
    output = tree.nodes.new('CompositorNodeOutputFile')
    output.base_path = str(scratch)
    output.format.file_format, output.format.exr_codec = 'OPEN_EXR', 'NONE'
    output.format.color_depth = '32'
    output.file_slots.clear()
    for name, socket in zip(_NAMES, ('Image', 'Depth'), strict=True):
        output.file_slots.new(name)
        tree.links.new(layers.outputs[socket], output.inputs[name])
