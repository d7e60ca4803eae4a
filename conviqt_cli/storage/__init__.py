"""Object stores: listing, looking at and fetching what lies in them, by way of fsspec."""
