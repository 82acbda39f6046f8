"""WHY BELIEFS MOVE: parameters, equations, theories."""
