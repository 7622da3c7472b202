"""Fakes made of one's own photographs, so that only what generators leave behind differs."""
