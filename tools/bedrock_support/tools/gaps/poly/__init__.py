"""TypeScript, JavaScript, Go and Java: read by tree-sitter, told in the same facts as Python."""
