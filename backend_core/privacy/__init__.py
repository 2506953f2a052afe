"""The privacy suite: proof on the live database that no container shows in another."""
