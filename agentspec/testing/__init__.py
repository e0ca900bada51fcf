"""For tests of specs and plugins: a backend that answers without a model."""
