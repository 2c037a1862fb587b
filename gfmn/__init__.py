"""Generative Feature Matching Networks: generators trained by matching perceptual features.

Source: dos Santos, Mroueh, Padhi and Dognin, "Learning Implicit Generative Models by Matching
Perceptual Features", ICCV 2019, arXiv:1904.02762; "the paper" throughout this package.
"""
