"""The test-kit: layers, fixtures, builders, fakes and assertion helpers for tests of skills and knowledge bases."""
