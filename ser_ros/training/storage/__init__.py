# SPDX-License-Identifier: Apache-2.0
"""Disk and Hub: the cache, JSON, checkpoints from a folder or the Hub, uploads to it."""
