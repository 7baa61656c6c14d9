"""The test kit: layers, fixtures, builders, fakes and assertions for tests of skills and knowledge bases."""
