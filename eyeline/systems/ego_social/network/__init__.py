"""What both networks are made of beside their own files, and the names of their tensors."""
