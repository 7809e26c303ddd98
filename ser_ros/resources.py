# SPDX-License-Identifier: Apache-2.0
"""Where the files that come with the package are: the default model, recipes, the demo's recording."""

from pathlib import Path

PACKAGE = 'ser_ros'


def share_folder() -> Path:
    """Return the folder that holds `models/`, `train/`, `demo/` and `config/`.

    It is the checkout when the code runs from one (also in a build with symlinks), otherwise the installed share
    folder.
    """
    root = Path(__file__).resolve().parents[1]
    if (root / 'package.xml').is_file():
        return root
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory(PACKAGE))
