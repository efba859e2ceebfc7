"""``make chaos``: two machines at work, their processes killed at random; afterwards nothing may be lost or doubled."""
