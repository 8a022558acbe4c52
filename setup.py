"""Install lsd_ros with pip or, inside a ROS 2 workspace, with colcon."""

from glob import glob

from setuptools import find_packages, setup

PACKAGE = 'lsd_ros'
SHARE = f'share/{PACKAGE}'
WEIGHTS = ['weights/*.safetensors', 'weights/README.md']  # no graphs that somebody exported there
DATA = ['py.typed', 'ros/*.xml', 'inference/backends/images/*', *WEIGHTS]

setup(
    name=PACKAGE,
    version='0.2.0',
    python_requires='>=3.10',  # not in setup.cfg: colcon cannot read it there
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={PACKAGE: DATA},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (SHARE, ['package.xml']),
        (f'{SHARE}/launch', glob('launch/*.launch.py')),
        (f'{SHARE}/config', glob('config/*')),
        (f'{SHARE}/hook', glob('resource/hook/*')),
    ],
)
