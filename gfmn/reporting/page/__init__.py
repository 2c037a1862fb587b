"""The report's page: one HTML file that holds its style, scripts, figures and images."""
