"""Classifiers: what a shape is, told from its occupancy."""

from .field_classifier import FieldClassifier
from .questions import UNASKED, Question

__all__ = ['UNASKED', 'FieldClassifier', 'Question']
