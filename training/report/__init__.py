"""Experiments written up: pages, plots, pictures and comparisons."""
