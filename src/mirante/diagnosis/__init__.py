"""What is wrong with data: near copies, leaks between splits and data sets, captions that do not say what they should."""
