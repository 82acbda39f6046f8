"""One file a mechanism: equations, parameters, priors, null values.

Equations stand in the code, and once more, in words, in section 2 of docs/MODEL.md.
"""
