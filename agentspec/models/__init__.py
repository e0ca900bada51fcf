"""What every backend needs around it: structured answers, confidence, and models opened when first asked."""
