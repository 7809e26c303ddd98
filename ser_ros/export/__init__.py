# SPDX-License-Identifier: Apache-2.0
"""Offline: exports a model into its optimised form, one ONNX graph, and checks it against the model."""
