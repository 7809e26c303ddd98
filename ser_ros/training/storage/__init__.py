# SPDX-License-Identifier: Apache-2.0
"""Disk and hub: the cache, JSON, and checkpoints from a folder or the Hub."""
