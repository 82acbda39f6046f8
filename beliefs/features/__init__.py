"""WHAT THE PAST SAYS: the inputs of the equations, each causal."""
