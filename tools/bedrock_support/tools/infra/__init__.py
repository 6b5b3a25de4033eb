"""Infrastructure: what templates and manifests declare, what is wrong with it, and how it hangs together."""
