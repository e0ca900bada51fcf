"""YAML with a place for everything.

loader     bytes and text -> Document, within caps     scalars      YAML 1.2 words and numbers
document   data and where each part of it stands       yaml_errors  the scanner's complaints in plain words
nodes      YAML nodes -> plain data
"""
