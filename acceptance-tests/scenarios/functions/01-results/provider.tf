# Functions need no provider block.
