# SPDX-License-Identifier: Apache-2.0
"""Published corpora of emotional speech: how each names its files, and what that says of a clip."""
