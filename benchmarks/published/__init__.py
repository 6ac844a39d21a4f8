"""The published ways, written anew from their descriptions; a ratio is printed from each."""
