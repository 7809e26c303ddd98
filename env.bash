# SPDX-License-Identifier: Apache-2.0
# `. ./env.bash` puts a bash or zsh into the built workspace: ROS 2, both packages, the console scripts on PATH.
# ROS 2 is the one that install/ was built for: .venv after `make build`, the sourced one after `colcon build`.

_ser_ros_env() {
    local root=$1 shell=$2 nounset=
    if [ ! -f "$root/install/local_setup.$shell" ]; then
        echo "ser_ros is not built yet; run: make -C '$root' build" >&2
        return 1
    fi
    # The setup files of ROS 2 and colcon read variables that may not be set.
    [[ -o nounset ]] && nounset=yes
    set +u
    if [ -e "$root/install/.made-by-make" ]; then
        if [ -n "$ROS_DISTRO" ]; then
            echo "install/ was built by make for the ROS 2 in .venv, which takes the place of ROS 2 $ROS_DISTRO in this" \
                "shell; to use ROS 2 $ROS_DISTRO: make clean, then colcon build" >&2
            unset LD_LIBRARY_PATH
        fi
        unset ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION RMW_IMPLEMENTATION PYTHONHOME PYTHONPATH
        unset CMAKE_PREFIX_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
        export VIRTUAL_ENV=$root/.venv AMENT_PREFIX_PATH=$root/.venv PATH=$root/.venv/bin:$PATH
        . "$root/install/local_setup.$shell"
    else
        . "$root/install/setup.$shell"
    fi
    export PATH=$root/install/ser_ros/lib/ser_ros:$PATH
    [ -z "$nounset" ] || set -u
}

if [ -n "${ZSH_VERSION:-}" ]; then
    eval '_ser_ros_env "${${(%):-%x}:A:h}" zsh'
elif [ -n "${BASH_VERSION:-}" ]; then
    _ser_ros_env "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" bash
else
    echo 'env.bash is for bash and zsh' >&2
    false
fi
