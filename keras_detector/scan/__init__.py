"""Judging any number of files: found, judged on all cores, kept as rows, gone on with."""
