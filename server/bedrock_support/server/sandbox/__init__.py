"""A stand-in for the Bedrock runtime on loopback: its wire protocol, simulated answers, faults on demand."""
