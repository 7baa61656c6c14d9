"""The server by which editors and agents of others use a knowledge base: the Model Context Protocol."""
