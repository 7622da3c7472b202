"""The parts of the window, one file each: they show the session's state and call its commands."""
