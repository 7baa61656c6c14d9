"""One module for each product; the package above says what it contains."""
