# SPDX-License-Identifier: Apache-2.0
"""How good a model is: scores, calibration, conditions, ensembles, label maps and held-out speech."""
