# SPDX-License-Identifier: Apache-2.0
"""Disk and hub: the cache, files that are written whole or not at all, and checkpoints from a folder or the Hub."""
