// What every matrix product declares first; followed by the bindings of its head.
#extension GL_EXT_control_flow_attributes : require

// x: the 64 rows of a tile; y: the column splits (constant_id 0).
layout(local_size_x = 64, local_size_y_id = 0) in;
layout(constant_id = 1) const uint RowsPerLane = 1;     // tiles of a workgroup: each activation is used this often
layout(constant_id = 2) const uint TokensPerPass = 1;   // activation rows of a workgroup: each weight is used this often
layout(constant_id = 3) const uint Cols = 1;
