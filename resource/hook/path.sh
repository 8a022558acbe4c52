# Makes `lsd_ros` a command once the workspace is sourced.
_colcon_prepend_unique_value PATH "$COLCON_CURRENT_PREFIX/lib/lsd_ros"
