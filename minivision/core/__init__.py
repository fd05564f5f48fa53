"""What every other package stands on: the registry of operations, the dispatcher, backends, devices, geometry."""
