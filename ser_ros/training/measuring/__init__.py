# SPDX-License-Identifier: Apache-2.0
"""How good a model is: evaluation, calibration, ensembles, reports, pictures and the model card."""
