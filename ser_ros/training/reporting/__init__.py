# SPDX-License-Identifier: Apache-2.0
"""What is written about a model: reports, summaries, comparisons, pictures and the model card."""
