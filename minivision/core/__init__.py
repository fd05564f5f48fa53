"""The base of all other packages: the registry of operations, the dispatcher, backends, devices, output sizes."""
