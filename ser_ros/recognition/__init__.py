# SPDX-License-Identifier: Apache-2.0
"""Which emotion an utterance expresses: loading and checking of checkpoints, classifier."""
