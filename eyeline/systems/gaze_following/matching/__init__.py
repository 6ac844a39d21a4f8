"""Which candidate a person looks at: the published rules with their slope; a trained matcher."""
