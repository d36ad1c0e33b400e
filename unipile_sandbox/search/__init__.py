"""LinkedIn's people search: https://developer.unipile.com/docs/linkedin-search."""
