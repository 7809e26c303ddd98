# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 face: parameters, lifecycle, topics, diagnostics."""
