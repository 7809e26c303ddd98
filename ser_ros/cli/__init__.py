# SPDX-License-Identifier: Apache-2.0
"""Thin console scripts."""
