"""What is written of rows: tables, and a page for people."""
