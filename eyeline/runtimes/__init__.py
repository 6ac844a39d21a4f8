"""Networks out of torch: what each takes and gives, files for other runtimes, and running them."""
