"""Find secrets and personal data in the text of a document, and mask them before anything is stored."""
