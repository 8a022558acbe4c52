"""
Rooms that no camera has seen: drawn at random, rendered with exact depth.

A plan says what stands where (``plan``, ``catalogue``, ``furniture``, ``storage``, ``belongings``,
``shell``: plain geometry). Blender renders it in a process of its own (``render``, ``scene``,
``materials``), a model of a camera makes images of the light (``imaging``), and ``rooms`` writes
sequences. Only that process needs ``bpy``, Blender as a Python library.
"""
