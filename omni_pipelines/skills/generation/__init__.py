"""Writing skills: drafts from templates or from a language model, verified before anything is kept."""
