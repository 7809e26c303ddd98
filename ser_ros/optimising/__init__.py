# SPDX-License-Identifier: Apache-2.0
"""Offline: makes the optimised form of a model and checks it against the model."""
