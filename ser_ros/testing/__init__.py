# SPDX-License-Identifier: Apache-2.0
"""Real nodes in separate processes and their surroundings: for demo, benchmark, tools and tests."""
