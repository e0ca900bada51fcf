"""Forms of diagnostics for programs: JSON, SARIF, GitHub annotations. The form for people is in `frames`."""
