"""What the programs that talk to databases share: addresses, connections, their errors as sentences, tables."""
