"""What servers from Maven's jars have in common, whichever they are.

- `maven.py`: a server's jars, fetched once, and the java that runs them
- `ports.py`: ports to listen on
- `tether.py`: a child process that can't outlive the one that started it
"""
