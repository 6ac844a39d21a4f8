"""Files on other machines (`s3://`, `gs://`, `https://`): videos read by ranges, results."""
