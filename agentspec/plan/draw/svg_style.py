"""Colours and letters of the SVG. Plain rules and one media query, no variables: old viewers follow, too."""

from __future__ import annotations

MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

_LIGHT = {
    ".as-page": "fill:#ffffff",
    ".as-name": "fill:#1f2328",
    ".as-soft": "fill:#57606a",
    ".as-id": "fill:#1f2328",
    ".as-edge": "stroke:#8c959f",
    ".as-tip": "fill:#8c959f",
    ".as-end": "fill:#f6f8fa;stroke:#afb8c1",
    ".as-lm": "fill:#eef5ff;stroke:#4184e4",
    ".as-tool": "fill:#fff8e8;stroke:#c98a1b",
    ".as-control": "fill:#faf7ff;stroke:#8e6fd8",
    ".as-header": "fill:#ece4fd",
    ".as-header-lm": "fill:#d9e8fe",
    ".as-behind": "fill:#f3edfe;stroke:#c3b1ea",
    ".as-case": "fill:#ffffff;stroke:#c3b1ea",
    ".as-case-name": "fill:#6b46c1",
    ".as-group": "fill:#f6f8fa;stroke:#d0d7de",
    ".as-chip-lm": "fill:#2568cf",
    ".as-chip-tool": "fill:#9a6206",
    ".as-chip-control": "fill:#7048c6",
    ".as-chip-word": "fill:#ffffff",
    ".as-sign": "stroke:#7048c6",
    ".as-write": "fill:#fde2e0;stroke:#cf4a42",
    ".as-write-word": "fill:#a3231c",
}

_DARK = {
    ".as-page": "fill:#0d1117",
    ".as-name": "fill:#e6edf3",
    ".as-soft": "fill:#9aa5b1",
    ".as-id": "fill:#e6edf3",
    ".as-edge": "stroke:#6e7681",
    ".as-tip": "fill:#6e7681",
    ".as-end": "fill:#161b22;stroke:#484f58",
    ".as-lm": "fill:#10233f;stroke:#3f7fdb",
    ".as-tool": "fill:#2b2110;stroke:#b07d22",
    ".as-control": "fill:#171326;stroke:#7a5cc4",
    ".as-header": "fill:#2a2145",
    ".as-header-lm": "fill:#173459",
    ".as-behind": "fill:#1d1731;stroke:#4d3d7d",
    ".as-case": "fill:#0f1420;stroke:#4d3d7d",
    ".as-case-name": "fill:#b79cf5",
    ".as-group": "fill:#12171f;stroke:#30363d",
    ".as-chip-lm": "fill:#2f74dc",
    ".as-chip-tool": "fill:#a76f12",
    ".as-chip-control": "fill:#7c55d3",
    ".as-chip-word": "fill:#ffffff",
    ".as-sign": "stroke:#b79cf5",
    ".as-write": "fill:#40191a;stroke:#d9534c",
    ".as-write-word": "fill:#ff9d96",
}


def style() -> str:
    """The content of the style element."""
    text = (
        f"text{{font-family:{MONO}}}"
        ".as-name{font-size:16px;font-weight:700}"
        ".as-id{font-size:13px;font-weight:600}"
        ".as-detail{font-size:11px}"
        ".as-small{font-size:9px}"
        ".as-chip-word{font-size:10px;font-weight:700;text-anchor:middle}"
        ".as-edge,.as-sign{fill:none;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}"
        ".as-maybe{stroke-dasharray:5 4}"
    )
    return text + _rules(_LIGHT) + f"@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}"


def _rules(colours: dict[str, str]) -> str:
    return "".join(f"{name}{{{rule}}}" for name, rule in colours.items())
