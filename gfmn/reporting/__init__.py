"""What people read: tables beside the paper's, figures, and one self-contained page."""
