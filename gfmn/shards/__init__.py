"""Data sets in shards: prepared, measured and resumed shard by shard; their statistics merge."""
