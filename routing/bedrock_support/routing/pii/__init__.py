"""Finding personal data and secrets in text by form, check digits, keys, context and a small tagger. No network."""
