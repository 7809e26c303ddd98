# SPDX-License-Identifier: Apache-2.0
"""Speech emotion recognition for ROS 2: sound in, emotions out."""
