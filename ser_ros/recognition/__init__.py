# SPDX-License-Identifier: Apache-2.0
"""What they feel: checkpoint loading and checking, classifier."""
