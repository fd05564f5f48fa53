"""Parts that several systems share: backbone, region proposals, heads on regions, linear models."""
