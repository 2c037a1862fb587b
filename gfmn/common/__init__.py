"""What every package uses: parameters, errors, files, images, devices, progress."""
