"""Pretrained weights: where they come from, and the formats that they come in."""
