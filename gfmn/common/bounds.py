"""Largest values of parameters: above them a value is a slip, or fits in no machine."""

SEEDS = 2**32 - 1  # which every generator of random numbers takes
STEPS = 10**9  # updates, and what is counted in them
IMAGES = 10**8  # of a data set
SAMPLES = 10**6  # of a generator, and images drawn from a data set
SIDE = 4096  # pixels
BATCH = 2**16  # images at a time, and vectors in a queue
LATENT = 2**14
VECTORS = 2**13  # directions, landmarks, clusters: as many columns of a matrix
PROCESSES = 1024
COUNT = 10**5  # of classes, of taps, of epochs, of rows
FACTOR = 1e6  # of weights and scales
RATE = 1e6  # of learning: of a moving average in gray levels of features too
