"""Data sets: records read from files or made from seeds, turned into the batch contract."""
