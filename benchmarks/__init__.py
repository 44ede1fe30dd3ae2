"""How fast, and beside whom: every figure is taken together with that of a peer, in one run on one machine.

``./skillsmap bench`` runs all of it; the figures of different machines do not compare, the ratios do.
"""
