# SPDX-License-Identifier: Apache-2.0
"""How somebody has seemed lately: answers smoothed over the last minute, for whoever acts on a state."""
