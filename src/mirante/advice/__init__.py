"""What to do next with a data set and a model, why, and what it would cost."""
