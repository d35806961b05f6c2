"""Building blocks that several families of networks share."""
