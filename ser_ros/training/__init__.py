# SPDX-License-Identifier: Apache-2.0
"""Offline: data sets, splits, recipes, fine-tuning, evaluation, reports. Nothing at run time imports this."""
