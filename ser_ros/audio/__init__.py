# SPDX-License-Identifier: Apache-2.0
"""Where sound comes from: source protocol, microphone, file, resampling."""
