"""From a recording of plain video to weights for that robot, measured before and after."""
