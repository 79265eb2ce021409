"""One module for each kind of question to botocore."""
