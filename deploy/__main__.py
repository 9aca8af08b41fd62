"""`python -m deploy`: the command line, for the services that `up` starts."""

from deploy.cli import main

main()
