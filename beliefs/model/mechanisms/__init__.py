"""One file a mechanism: equations, parameters, priors, null values."""
