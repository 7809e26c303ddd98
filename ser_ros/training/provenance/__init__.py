# SPDX-License-Identifier: Apache-2.0
"""What a model was made from: pretraining, earlier trainings, hardware and versions, and which clips it has heard."""
