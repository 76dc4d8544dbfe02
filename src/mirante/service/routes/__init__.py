"""The parts of the interface: one file a router, each with the scope that all of its routes demand."""
