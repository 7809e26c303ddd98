# SPDX-License-Identifier: Apache-2.0
"""Recorded sessions: listens to bags and sound files as the node would, and writes what it heard."""
