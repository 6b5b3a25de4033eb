"""Finding personal data and secrets in text by form, check digits, keys and context. No model, no network."""
