"""
Compile the Triton kernels for cards that are not here: do they compile, and what do they take.

    python experiments/gpu/compile.py

Triton brings the assembler of CUDA, so that no card and no driver is needed. The interpreter,
which proves the numbers, lets much pass that does not compile. The table has what a kernel holds:
registers of a thread, bytes of it that do not fit into them, and shared memory of a program. It
says nothing about speed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

os.environ.pop('TRITON_INTERPRET', None)  # the interpreter compiles nothing

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from lsd_ros.inference.kernels.block import CHUNK, _coded, warps
from lsd_ros.inference.kernels.convolution import MADE, PIXELS, _convolution
from lsd_ros.inference.kernels.ends import TAPS, _from_bytes, _head
from lsd_ros.inference.kernels.weighting import FEW, ROWS, WARPS, _weighted_sum

CARDS = {'H200': 90, 'Jetson Orin': 87}
READER = Path(triton.__file__).parent / 'backends' / 'nvidia' / 'bin' / 'cuobjdump'
WHOLE = ('height', 'width', 'channels', 'wide', 'made', 'made_height', 'made_width')
REAL = ('lowest', 'span')


class Compiled(NamedTuple):
    """What a kernel takes: registers of a thread, bytes spilled, bytes of shared memory."""

    registers: int
    spilled: int
    shared: int


def kernels() -> dict[str, tuple[Any, int, set[str], dict[str, Any]]]:
    """Return each kernel, its warps, which pointers are to half precision, and its constants."""
    block = {'DOUBLED': False, 'CHANNELS': CHUNK, 'WIDE': CHUNK}
    maps = {'x', 'expand', 'squeeze', 'out'}
    row = {'PIXELS': 32, 'CHANNELS': 16}
    return {
        'weighting': (
            _weighted_sum,
            WARPS,
            {'a', 'b', 'out'},
            {**row, 'DOUBLED': False, 'ROWS': ROWS, 'FEW': FEW},
        ),
        'convolution': (
            _convolution,
            4,
            {'x', 'kernel', 'out'},
            {'SIZE': 3, 'STRIDE': 2, 'ACTIVE': True, 'PIXELS': PIXELS, 'MADE': MADE}
            | {'CHANNELS': CHUNK},
        ),
        'block, tiles of 16': (_coded, warps(16), maps, {**block, 'SIDE': 16, 'MADE': 16}),
        'block, tiles of 16, 64 channels': (
            _coded,
            warps(16),
            maps,
            {**block, 'SIDE': 16, 'MADE': 64},
        ),
        'block, tiles of 8, 64 channels': (
            _coded,
            warps(8),
            maps,
            {**block, 'SIDE': 8, 'MADE': 64},
        ),
        'first convolution': (
            _from_bytes,
            4,
            {'kernel', 'out'},
            {**row, 'GREY': True, 'TAPS': TAPS},
        ),
        'head': (_head, 4, {'x'}, {**row, 'PARTS': 2}),
    }


def compiled(
    kernel: Any, of_warps: int, half: set[str], constants: dict[str, Any], capability: int
) -> Compiled:
    """
    Compile a kernel.

    :param of_warps: how many warps a program has
    :param half: its pointers to numbers in half precision
    :param constants: its constants
    :param capability: of the card, 90 for 9.0
    """
    signature = {}
    for name in kernel.arg_names:
        if name in constants:
            signature[name] = 'constexpr'
        elif name in WHOLE:
            signature[name] = 'i32'
        elif name in REAL:
            signature[name] = 'fp32'
        elif name == 'image':
            signature[name] = '*u8'
        else:
            signature[name] = '*fp16' if name in half else '*fp32'
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    target, options = GPUTarget('cuda', capability, 32), {'num_warps': of_warps}
    made = triton.compile(source, target=target, options=options)
    with tempfile.NamedTemporaryFile(suffix='.cubin') as file:
        file.write(made.asm['cubin'])
        file.flush()
        call = [READER, '-res-usage', file.name]
        said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    registers, spilled = (int(re.findall(rf'{name}:(\d+)', said)[0]) for name in ('REG', 'STACK'))
    return Compiled(registers, spilled, made.metadata.shared)


def main() -> int:
    """Compile all for each card, and print a table; the exit code says whether all compiled."""
    print('| kernel | card | registers | bytes spilled | shared memory |\n|---|---|---|---|---|')
    failed = 0
    for name, what in kernels().items():
        for card, capability in CARDS.items():
            try:
                found = compiled(*what, capability)
            except Exception as error:  # the others are worth knowing
                failed += 1
                print(f'| {name} | {card} | {type(error).__name__}: {error} | | |')
            else:
                row = f'{found.registers} | {found.spilled} | {found.shared}'
                print(f'| {name} | {card} | {row} |', flush=True)
    return int(failed > 0)


if __name__ == '__main__':
    sys.exit(main())
