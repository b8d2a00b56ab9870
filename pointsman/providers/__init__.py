"""What brings machines and takes them away again: containers here, or the machines of a cloud."""
