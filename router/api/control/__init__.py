"""Control: what people and programs ask, one module for each noun. Every method parses, calls and maps."""
