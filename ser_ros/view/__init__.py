# SPDX-License-Identifier: Apache-2.0
"""A page that shows what a node hears: what came, the link to the node, the page. Needs the extra [view]."""
