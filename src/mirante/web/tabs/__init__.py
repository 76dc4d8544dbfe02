"""The tabs of the page: one file each, with a `build` that lays it out; what it answers stands in a plain module."""
