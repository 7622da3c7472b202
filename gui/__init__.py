"""The desktop app: open a picture, read its verdict, clean it up, save it.

What the app does is in classes that know no Tk (`session`, `picture_list`, `worker`, `settings`);
the widgets in `gui.panels` only show their state. Only the main thread touches Tk.
"""
