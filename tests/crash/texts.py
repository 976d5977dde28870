"""What the story's steps that replace files find in them."""

FLAGS = "# flags\nCHECKOUT=true # ask first\n"
SECRET = "JWT_SECRET=before\n"
LOG = "a line of a log\n" * 5000
