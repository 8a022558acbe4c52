"""Shaders of Blender in the making: sockets of nodes go in, sockets come out."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from random import Random
from typing import Any

import bpy

Colour = tuple[float, float, float, float]
WHITE: Colour = (1.0, 1.0, 1.0, 1.0)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return a linear colour."""
    limited = (min(max(x, 0.0), 1.0) for x in (saturation, value))
    return (*colorsys.hsv_to_rgb(hue % 1, *limited), 1.0)


def grey(value: float) -> Colour:
    """Return a grey."""
    return (value, value, value, 1.0)


class Shader:
    """A material in the making: sockets of nodes go in, sockets come out."""

    def __init__(self, name: str, rough: float, metallic: float = 0.0) -> None:
        """Begin with the principled shader, its texture in metres along each face."""
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self._tree = self.material.node_tree
        self._surface = self._tree.nodes['Principled BSDF']
        self.put('Roughness', rough)
        self.put('Metallic', metallic)
        where = self._tree.nodes.new('ShaderNodeTexCoord')
        self.uv, self.space = where.outputs['UV'], where.outputs['Object']

    def put(self, name: str, value: Any) -> None:
        """Set an input of the surface, to a value or a socket."""
        self._set(self._surface.inputs[name], value)

    def node(self, kind: str, **inputs: Any) -> Any:
        """Add a node; underscores in the names of inputs stand for blanks."""
        node = self._tree.nodes.new(f'ShaderNode{kind}')
        for name, value in inputs.items():
            self._set(node.inputs[name.replace('_', ' ')], value)
        return node

    def mapped(
        self, vector: Any, scale: Sequence[float], turn: float = 0.0, shift: float = 0.0
    ) -> Any:
        """Return coordinates scaled, turned [rad] and shifted."""
        at = (shift, shift * 0.7, shift * 0.3)
        node = self.node('Mapping', Vector=vector, Scale=scale, Rotation=(0, 0, turn), Location=at)
        return node.outputs[0]

    def noise(
        self, vector: Any, scale: float, detail: float = 3.0, distortion: float = 0.0
    ) -> Any:
        """Return fractal noise from 0 to 1."""
        node = self.node(
            'TexNoise', Vector=vector, Scale=scale, Detail=detail, Distortion=distortion
        )
        return node.outputs['Fac']

    def ramp(self, value: Any, *stops: tuple[float, Colour]) -> Any:
        """Return the colour that a value stands for."""
        node = self._tree.nodes.new('ShaderNodeValToRGB')
        self._set(node.inputs[0], value)
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, colour
        return node.outputs[0]

    def mix(self, first: Any, second: Any, share: Any, how: str = 'MIX') -> Any:
        """Return two colours mixed, or multiplied."""
        node = self._tree.nodes.new('ShaderNodeMix')
        node.data_type, node.blend_type = 'RGBA', how
        for index, value in ((0, share), (6, first), (7, second)):
            self._set(node.inputs[index], value)
        return node.outputs[2]

    def stained(self, colour: Any, rng: Random, depth: float) -> Any:
        """Return a colour with stains that take up to a share of its light."""
        spots = self.noise(self.space, rng.uniform(0.6, 3), 5, rng.uniform(0, 1))
        return self.mix(
            colour, self.ramp(spots, (0.3, grey(1 - depth)), (0.62, WHITE)), 1.0, 'MULTIPLY'
        )

    def bump(self, height: Any, strength: float, distance: float) -> None:
        """Let light see a relief."""
        node = self.node('Bump', Height=height, Strength=strength, Distance=distance)
        self.put('Normal', node.outputs[0])

    def _set(self, socket: Any, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self._tree.links.new(value, socket)
        else:
            socket.default_value = value
