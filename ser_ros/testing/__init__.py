# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own and what they are surrounded with: for demo, benchmark, tools and tests."""
