"""WHAT COMES NEXT: targets, probabilities, the forecast document."""
