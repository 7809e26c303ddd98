#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Finds a Python that ROS 2 on PyPI has wheels for and lets it run workspace.py beside this file:
# $PYTHON where it is given, else the one that .venv was made from, else the first on PATH.
here=$(cd "$(dirname "$0")" && pwd) || exit
goal=$1

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# Both disturb a foreign interpreter; the guard keeps the ROS wheels from starting .venv's Python twice.
unset PYTHONHOME PYTHONPATH
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- "$here/../../.venv/bin/python" python3 python3.13 python3.12 python3.11 python3.10
fi
for python; do
    supported "$python" && exec "$python" "$here/workspace.py" "$goal"
done

if [ -n "${PYTHON:-}" ]; then
    found=$("$PYTHON" --version 2>&1) || found='not a Python that runs'
    echo "PYTHON=$PYTHON is $found; give a Python 3.10, 3.11, 3.12 or 3.13." >&2
elif found=$(python3 --version 2>&1); then
    echo "ser_ros needs Python 3.10, 3.11, 3.12 or 3.13, and this machine has only $found; install one where apt" \
        "has it (sudo apt install python3.12 python3.12-dev python3.12-venv), or name it: make $goal PYTHON=path" >&2
else
    echo "ser_ros needs Python 3.10, 3.11, 3.12 or 3.13, and this machine has none;" \
        "install it with: sudo apt install python3 python3-dev python3-venv" >&2
fi
exit 1
