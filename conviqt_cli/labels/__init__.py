"""Opinion scores from other people's label files: tables, columns, layouts, matching."""
