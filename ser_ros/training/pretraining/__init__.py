# SPDX-License-Identifier: Apache-2.0
"""Makes encoders from unlabelled speech: masked prediction, and distillation from a larger encoder."""
