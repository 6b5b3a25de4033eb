"""Personal data, secrets and places outside the EU, found in files."""
