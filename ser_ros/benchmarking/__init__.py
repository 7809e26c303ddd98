# SPDX-License-Identifier: Apache-2.0
"""Measures how fast the package is on this machine, compared with what a user would write instead."""
