"""Materials of Blender by the name of a finish: noise, bricks and waves, no photographs."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import bpy

from lsd_ros.rendering.shader import WHITE, Colour, Shader, grey, hsv


class Palette:
    """The materials of one scene: things of one finish match each other."""

    def __init__(self, rng: Random) -> None:
        """Draw each material when it is asked for first, from the seed of the scene."""
        self._seed = rng.random()
        self._made: dict[str, Any] = {}

    def __getitem__(self, finish: str) -> Any:
        """Return the material of a finish such as ``wood 1`` or ``plastic white``."""
        if finish not in self._made:
            kind, _, variant = finish.partition(' ')
            rng = Random(f'{self._seed} {finish}')
            self._made[finish] = MAKERS[kind](rng, variant)
        return self._made[finish]


def _paint(rng: Random, _: str) -> Any:
    strong = rng.random() < 0.2
    colour = (
        hsv(rng.random(), rng.uniform(0.1, 0.4), rng.uniform(0.25, 0.75))
        if strong
        else hsv(rng.choice((0.1, 0.12, 0.55, 0.6)), rng.uniform(0, 0.1), rng.uniform(0.5, 0.9))
    )
    shader = Shader('paint', rng.uniform(0.35, 0.9))
    shader.put('Base Color', shader.stained(colour, rng, rng.uniform(0.03, 0.25)))
    shader.bump(
        shader.noise(shader.space, rng.choice((60, 120, 250)), 2), rng.uniform(0.03, 0.25), 0.004
    )
    return shader.material


def _plastic(rng: Random, variant: str) -> Any:
    fixed = {'dark': grey(rng.uniform(0.008, 0.03)), 'white': grey(rng.uniform(0.65, 0.85))}
    muted = hsv(rng.random(), rng.uniform(0.0, 0.35), rng.choice((0.04, 0.1, 0.2, 0.4, 0.7)))
    vivid = hsv(rng.random(), rng.uniform(0.4, 0.8), rng.uniform(0.1, 0.6))
    colour = fixed.get(variant) or (muted if rng.random() < 0.7 else vivid)
    shader = Shader('plastic', rng.uniform(0.15, 0.6))
    shader.put('Base Color', shader.stained(colour, rng, rng.uniform(0, 0.15)))
    return shader.material


def _metal(rng: Random, _: str) -> Any:
    shader = Shader('metal', rng.uniform(0.15, 0.45), 1.0)
    shader.put(
        'Base Color', hsv(rng.uniform(0.05, 0.65), rng.uniform(0, 0.08), rng.uniform(0.4, 0.85))
    )
    if rng.random() < 0.4:
        brushed = shader.noise(shader.mapped(shader.uv, (2, 90, 1)), 6)
        shader.put('Roughness', shader.ramp(brushed, (0.2, grey(0.15)), (0.8, grey(0.5))))
    return shader.material


def _wood_colours(rng: Random) -> tuple[Colour, Colour]:
    hue, saturation = rng.uniform(0.05, 0.09), rng.uniform(0.25, 0.65)
    value = rng.choice((0.1, 0.2, 0.35, 0.5, 0.65)) * rng.uniform(0.85, 1.15)
    return hsv(hue, saturation, value), hsv(hue + 0.01, saturation, value * rng.uniform(0.5, 0.85))


def _wood(rng: Random, _: str) -> Any:
    light, dark = _wood_colours(rng)
    shader = Shader('wood', rng.uniform(0.2, 0.6))
    grain = shader.mapped(shader.uv, (1.2, 14, 1), rng.choice((0, math.pi / 2)), rng.random() * 9)
    rings = shader.noise(grain, rng.uniform(2, 5), 6, rng.uniform(0.2, 2.5))
    colour = shader.ramp(rings, (0.3, dark), (0.68, light))
    shader.put('Base Color', shader.stained(colour, rng, 0.15))
    return shader.material


def _planks(rng: Random, _: str) -> Any:
    light, dark = _wood_colours(rng)
    shader = Shader('planks', rng.uniform(0.15, 0.55))
    where = shader.mapped(shader.uv, (1, 1, 1), rng.choice((0, math.pi / 2)))
    boards = _bricks(
        shader,
        rng,
        where,
        (grey(0.35), WHITE, grey(0.0)),
        rng.uniform(0.001, 0.004),
        (rng.uniform(0.5, 2), rng.uniform(0.07, 0.2)),
    )
    grain = shader.noise(
        shader.mapped(where, (1.5, 20, 1)), rng.uniform(2, 4), 6, rng.uniform(0.3, 2)
    )
    colour = shader.ramp(grain, (0.3, dark), (0.7, light))
    tone = shader.ramp(boards.outputs['Color'], (0, grey(0.15)), (0.2, grey(0.65)), (1, WHITE))
    shader.put('Base Color', shader.stained(shader.mix(colour, tone, 1.0, 'MULTIPLY'), rng, 0.2))
    return shader.material


def _bricks(
    shader: Shader,
    rng: Random,
    where: Any,
    colours: tuple[Colour, Colour, Colour],
    joint: float,
    size: tuple[float, float],
) -> Any:
    node = shader.node(
        'TexBrick',
        Vector=where,
        Color1=colours[0],
        Color2=colours[1],
        Mortar=colours[2],
        Scale=1.0,
        Mortar_Size=joint,
        Brick_Width=size[0],
        Row_Height=size[1],
    )
    node.offset = rng.choice((0.33, 0.5))
    return node


def _tiles(rng: Random, _: str) -> Any:
    shader = Shader('tiles', rng.uniform(0.08, 0.4))
    hue, saturation, value = (
        rng.random(),
        rng.choice((0, 0.04, 0.08, 0.25)),
        rng.uniform(0.25, 0.9),
    )
    other = hsv(hue, saturation, value * rng.choice((0.4, 0.85, 0.95, 1)))
    mortar = hsv(0.1, 0.06, rng.choice((0.15, 0.4, 0.7)))
    size = rng.choice((0.1, 0.15, 0.2, 0.3, 0.45, 0.6))
    turn = rng.choice((0, 0, 0, math.pi / 4))
    node = _bricks(
        shader,
        rng,
        shader.mapped(shader.uv, (1, 1, 1), turn),
        (hsv(hue, saturation, value), other, mortar),
        rng.uniform(0.0015, 0.006),
        (size * rng.choice((1, 1, 2)), size),
    )
    node.offset = rng.choice((0, 0, 0.5))
    shader.put('Base Color', shader.stained(node.outputs['Color'], rng, 0.25))
    shader.bump(node.outputs['Fac'], -0.3, 0.004)
    return shader.material


def _brick(rng: Random, _: str) -> Any:
    shader = Shader('brick', 0.85)
    hue, saturation, value = (
        rng.choice((0.02, 0.04, 0.07)),
        rng.uniform(0.1, 0.55),
        rng.uniform(0.2, 0.6),
    )
    colours = (
        hsv(hue, saturation, value),
        hsv(hue + 0.02, saturation, value * 0.65),
        hsv(0.1, 0.08, rng.uniform(0.3, 0.7)),
    )
    size = rng.choice(((0.22, 0.075), (0.4, 0.2)))
    node = _bricks(shader, rng, shader.uv, colours, 0.006, size)
    rough = shader.ramp(shader.noise(shader.space, 25, 5), (0.3, grey(0.6)), (0.7, WHITE))
    colour = shader.mix(node.outputs['Color'], rough, 1.0, 'MULTIPLY')
    shader.put('Base Color', shader.stained(colour, rng, 0.35))
    shader.bump(node.outputs['Fac'], -0.6, 0.01)
    return shader.material


def _carpet(rng: Random, _: str) -> Any:
    shader = Shader('carpet', 0.95)
    colour = hsv(rng.random(), rng.choice((0.04, 0.1, 0.2, 0.4)), rng.uniform(0.06, 0.5))
    pile = shader.noise(shader.space, rng.choice((80, 150, 300)), 2)
    share, (red, green, blue, _alpha) = rng.uniform(0.4, 0.8), colour
    dark = (share * red, share * green, share * blue, 1.0)
    tone = shader.ramp(pile, (0.3, dark), (0.7, colour))
    if rng.random() < 0.35:
        squares = shader.node(
            'TexChecker', Vector=shader.uv, Color1=WHITE, Color2=grey(0.75), Scale=2.0
        )
        tone = shader.mix(tone, squares.outputs[0], 1.0, 'MULTIPLY')
    shader.put('Base Color', shader.stained(tone, rng, 0.3))
    shader.bump(pile, 0.5, 0.01)
    return shader.material


def _fabric(rng: Random, variant: str) -> Any:
    shader = Shader('fabric', 0.9)
    first = (
        grey(0.75)
        if variant == 'white'
        else hsv(rng.random(), rng.choice((0.03, 0.1, 0.3, 0.55)), rng.uniform(0.04, 0.6))
    )
    second = hsv(rng.random(), rng.choice((0.03, 0.15, 0.4)), rng.uniform(0.05, 0.8))
    pattern, colour = rng.random(), first
    if variant != 'white' and pattern < 0.2:
        turned = shader.mapped(shader.uv, (1, 1, 1), rng.uniform(0, math.pi))
        wave = shader.node(
            'TexWave', Vector=turned, Scale=rng.uniform(3, 20), Distortion=rng.choice((0, 2))
        )
        colour = shader.ramp(wave.outputs['Fac'], (0.45, first), (0.55, second))
    elif variant != 'white' and pattern < 0.3:
        dots = shader.node('TexVoronoi', Vector=shader.uv, Scale=rng.uniform(8, 30))
        colour = shader.ramp(dots.outputs['Distance'], (0.25, second), (0.35, first))
    weave = shader.ramp(shader.noise(shader.space, 200, 2), (0.3, grey(0.7)), (0.7, WHITE))
    shader.put('Base Color', shader.mix(colour, weave, 1.0, 'MULTIPLY'))
    shader.bump(shader.noise(shader.space, rng.uniform(8, 60)), 0.25, 0.02)
    return shader.material


def _stone(rng: Random, _: str) -> Any:
    shader, value = Shader('stone', rng.uniform(0.08, 0.35)), rng.choice((0.05, 0.25, 0.6, 0.8))
    light, vein = hsv(0.1, 0.06, value), hsv(0.1, 0.08, value * 0.5)
    veins = shader.noise(shader.space, rng.uniform(1, 8), 8, rng.uniform(0.5, 4))
    shader.put(
        'Base Color', shader.ramp(veins, (0.35, vein), (0.45, light), (0.6, light), (0.75, vein))
    )
    return shader.material


def _concrete(rng: Random, _: str) -> Any:
    shader, value = Shader('concrete', rng.uniform(0.4, 0.9)), rng.uniform(0.2, 0.6)
    clouds = shader.noise(shader.space, rng.uniform(1, 6), 9, rng.uniform(0, 1))
    shader.put(
        'Base Color',
        shader.ramp(clouds, (0.25, hsv(0.1, 0.06, value * 0.6)), (0.75, hsv(0.1, 0.04, value))),
    )
    shader.bump(clouds, 0.2, 0.01)
    return shader.material


def _cardboard(rng: Random, _: str) -> Any:
    shader = Shader('cardboard', 0.85)
    colour = hsv(0.085, rng.uniform(0.35, 0.55), rng.uniform(0.3, 0.5))
    shader.put('Base Color', shader.stained(colour, rng, 0.2))
    return shader.material


def _book(rng: Random, _: str) -> Any:
    shader = Shader('book', 0.5)
    shader.put('Base Color', hsv(rng.random(), rng.uniform(0.05, 0.7), rng.uniform(0.04, 0.6)))
    return shader.material


def _paper(rng: Random, _: str) -> Any:
    shader = Shader('paper', 0.8)
    shader.put('Base Color', hsv(0.12, rng.uniform(0, 0.1), 0.8))
    return shader.material


def _print(rng: Random, _: str) -> Any:
    """Draw what hangs on walls and lies on desks: lines of text, blocks, clouds of colour."""
    return _image(rng).material


def _screen(rng: Random, variant: str) -> Any:
    if variant == '2' and rng.random() < 0.6:
        return _plastic(rng, 'dark')
    shader = _image(rng)
    shader.put('Emission Strength', rng.uniform(0.3, 1.6))
    shader.material.cycles.emission_sampling = 'NONE'
    return shader.material


def _image(rng: Random) -> Shader:
    shader, scale = Shader('print', rng.uniform(0.1, 0.6)), rng.uniform(3, 12)
    first = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.05, 0.9))
    second = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.3, 0.95))
    where = shader.mapped(shader.uv, (scale * rng.uniform(0.5, 2), scale, 1), 0, rng.random() * 9)
    kind = rng.random()
    if kind < 0.6:
        paper = grey(rng.choice((0.02, 0.85)))
        node = _bricks(
            shader,
            rng,
            where,
            (first, second, paper),
            0.15,
            (rng.uniform(0.4, 3), rng.uniform(0.2, 0.8)),
        )
        node.squash = rng.uniform(0.5, 1.5)
        colour = node.outputs['Color']
    elif kind < 0.8:
        cells = shader.node('TexVoronoi', Vector=where, Scale=1.0)
        colour = shader.mix(cells.outputs['Color'], first, rng.uniform(0.3, 0.7))
    else:
        third = hsv(rng.random(), rng.uniform(0, 0.6), rng.random())
        colour = shader.ramp(
            shader.noise(where, 0.7, 6, 2), (0.3, first), (0.5, second), (0.7, third)
        )
    shader.put('Base Color', colour)
    shader.put('Emission Color', colour)
    return shader


def _glass(rng: Random, _: str) -> Any:
    """Glass that depth looks through, with a faint reflection."""
    material = bpy.data.materials.new('glass')
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output, mix = tree.nodes.new('ShaderNodeOutputMaterial'), tree.nodes.new('ShaderNodeMixShader')
    clear, gloss = (
        tree.nodes.new('ShaderNodeBsdfTransparent'),
        tree.nodes.new('ShaderNodeBsdfGlossy'),
    )
    clear.inputs[0].default_value = hsv(0.45, 0.06, 0.95)
    gloss.inputs['Roughness'].default_value = 0.03
    mix.inputs[0].default_value = rng.uniform(0.04, 0.12)
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(gloss.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs[0])
    return material


def _glow(rng: Random, _: str) -> Any:
    shader = Shader('glow', 0.5)
    shader.put('Emission Color', hsv(rng.uniform(0.07, 0.14), rng.uniform(0, 0.4), 1))
    shader.put('Emission Strength', rng.uniform(3, 9))
    shader.material.cycles.emission_sampling = 'NONE'  # lamps light the room, not their shades
    return shader.material


def _leaf(rng: Random, _: str) -> Any:
    shader, hue = Shader('leaf', 0.5), rng.uniform(0.2, 0.34)
    dark, light = hsv(hue, rng.uniform(0.4, 0.8), 0.06), hsv(hue, 0.6, rng.uniform(0.15, 0.4))
    shader.put('Base Color', shader.ramp(shader.noise(shader.space, 5), (0.3, dark), (0.7, light)))
    return shader.material


def _skin(rng: Random, _: str) -> Any:
    shader = Shader('skin', 0.6)
    shader.put(
        'Base Color',
        hsv(rng.uniform(0.03, 0.07), rng.uniform(0.3, 0.6), rng.choice((0.12, 0.3, 0.5, 0.65))),
    )
    return shader.material


def _hair(rng: Random, _: str) -> Any:
    shader = Shader('hair', 0.7)
    shader.put('Base Color', hsv(0.08, rng.uniform(0, 0.6), rng.choice((0.01, 0.03, 0.1, 0.35))))
    return shader.material


def _floor(rng: Random, style: str) -> Any:
    kinds = {
        'home': (_planks, _planks, _carpet, _tiles, _stone),
        'office': (_carpet, _carpet, _planks, _tiles, _concrete, _stone),
        'hall': (_concrete, _concrete, _tiles),
        'bath': (_tiles,),
    }
    return rng.choice(kinds[style])(rng, '')


def _wall(rng: Random, style: str) -> Any:
    kinds = {
        'home': (*(_paint,) * 8, _fabric, _brick, _planks),
        'office': (*(_paint,) * 8, _brick, _concrete, _planks),
        'hall': (_paint, _concrete, _brick),
        'bath': (_tiles, _tiles, _stone, _paint),
    }
    return rng.choice(kinds[style])(rng, '')


def _ceiling(rng: Random, style: str) -> Any:
    kinds = {
        'home': (_paint, _paint, _planks),
        'office': (_paint, _tiles),
        'hall': (_concrete, _metal),
        'bath': (_paint,),
    }
    return rng.choice(kinds[style])(rng, '')


MAKERS: dict[str, Callable[[Random, str], Any]] = {
    'paint': _paint,
    'plastic': _plastic,
    'metal': _metal,
    'wood': _wood,
    'fabric': _fabric,
    'stone': _stone,
    'cardboard': _cardboard,
    'book': _book,
    'paper': _paper,
    'print': _print,
    'screen': _screen,
    'glass': _glass,
    'glow': _glow,
    'leaf': _leaf,
    'skin': _skin,
    'hair': _hair,
    'floor': _floor,
    'wall': _wall,
    'ceiling': _ceiling,
}
