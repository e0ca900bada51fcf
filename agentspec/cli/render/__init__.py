"""What a person sees: errors, the live tree, the result and the report."""
